#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command in the guest, in a copy of this tree: run.sh RELEASE_DIR COMMAND [ARGUMENTS...]. Its status is the command's.
# What it writes into build/guest/results is there afterwards. Options of QEMU: GUEST_QEMU; of the kernel: GUEST_APPEND.
set -euo pipefail

[ $# -ge 2 ] || { echo 'usage: run.sh RELEASE_DIR COMMAND [ARGUMENTS...]' >&2; exit 2; }
release=$(realpath "$1")
shift
here=$(dirname "$(readlink -f "$0")")
tree=$(realpath "$here/../..")
case $release in "$tree"/*) ;; *) echo "run.sh: $release is not in $tree" >&2; exit 2 ;; esac
image=$tree/build/guest
"$here/image.sh" "$image"

work=$(mktemp -d "$image/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
copy=$work/tree
mkdir -p "$copy/build/guest/results"
cd "$tree"
# Names and times stay, debug information does not.
# shellcheck disable=SC2016  # for the inner shell
git ls-files -z --cached --others --exclude-standard --deduplicate |
  xargs -0 sh -c 'for file; do [ ! -f "$file" ] || printf "%s\0" "$file"; done' sh |
  tar -c --null -T - | tar -x -C "$copy"
built=${release#"$tree"/}
# Its processor is emulated: limits of time are ten times those of a real one.
find "$built" -name CTestTestfile.cmake | while read -r file; do
  mkdir -p "$copy/$(dirname "$file")"
  sed -E 's/TIMEOUT "([0-9]+)"/TIMEOUT "\10"/' "$file" >"$copy/$file"
done
find "$built/bin" "$built/lib" "$built/libexec" -type d -exec mkdir -p "$copy/{}" \;
# shellcheck disable=SC2016
find "$built/bin" "$built/lib" \( -type f -perm -u+x -o -name '*.so.*' \) ! -name '*.a' -print0 |
  xargs -0 -P "$(nproc)" -I '{}' sh -c 'strip --strip-debug -o "$1/$2" "$2" 2>/dev/null || cp "$2" "$1/$2"' sh "$copy" '{}'
find "$built/lib" "$built/libexec" -type l -exec cp -P '{}' "$copy/{}" \;
{
  env -0 | { grep -zE '^(SILLAGE_REQUIRE_KERNEL|SILLAGE_KERNEL_LONG|SILLAGE_SLOWNESS|CTEST_OUTPUT_ON_FAILURE)=' || true; } | tr '\0' '\n' |
    sed 's/^/export /'
  printf 'exec'
  printf ' %q' "$@"
  echo
} >"$copy/guest-command"
size_mib=$(($(du -sm "$copy" | cut -f1) + 1024))
mke2fs -q -t ext4 -d "$copy" "$work/tree.ext4" "${size_mib}M"
rm -rf "$copy"

# Emulated: Debian's kernels do not boot under every hypervisor's nested KVM, and this is what a count of instructions needs.
read -r -a more <<<"${GUEST_QEMU--accel tcg,thread=multi,tb-size=512 -smp 2}"
qemu-system-x86_64 "${more[@]}" -cpu max -m 3072 -display none -no-reboot -nic none -monitor none -serial stdio \
  -kernel "$image/vmlinuz" -initrd "$image/initrd.img" \
  -append "console=ttyS0 quiet root=/dev/vda rw init=/sbin/guest-init guest.tree=$tree panic=-1 tsc=reliable ${GUEST_APPEND-}" \
  -drive "file=$image/root.ext4,format=raw,if=virtio,snapshot=on" \
  -drive "file=$work/tree.ext4,format=raw,if=virtio,cache=unsafe" </dev/null | sed -u 's|\r||g'

# What was there before is in its way.
rm -rf "$image/results"
status=$(debugfs -R 'cat guest-status' "$work/tree.ext4" 2>/dev/null)
debugfs -R "rdump build/guest/results $image" "$work/tree.ext4" 2>/dev/null
debugfs -R "dump guest-dmesg $image/results/dmesg" "$work/tree.ext4" 2>/dev/null
[ -n "$status" ] || { echo 'run.sh: the guest ended before its command did' >&2; exit 1; }
exit "$status"
