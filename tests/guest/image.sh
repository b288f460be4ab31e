#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the guest's disk out of Debian packages: image.sh DIRECTORY leaves root.ext4, vmlinuz and initrd.img there.
# What is there already stays if it was made by this very file.
set -euo pipefail

packages=(
  linux-image-cloud-amd64           # the kernel under test, with what modules of it are built with:
  linux-headers-cloud-amd64 make gcc libc6-dev
  initramfs-tools zstd kmod udev
  lttng-tools                       # the peer; its modules are built below
  cmake                             # ctest
  python3 python3-bt2 babeltrace2   # tests, and the readers of what they record
  linux-perf trace-cmd bpftrace strace   # other witnesses
  libbpf1 libelf1 libfmt9 libprotobuf-lite32 libzstd1 zlib1g   # what our programs are linked with
  procps util-linux iproute2 mount
)
modules=lttng-modules-dkms
# Free space of the root file system, whose changes are forgotten when the guest ends.
size_mib=3072

# The new system's directory is $1.
build_modules() {
  local root=$1 release version timer
  install -d "$root/etc/dkms"
  touch "$root/etc/dkms/no-autoinstall"  # not by the package itself: they want the change below
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$modules"
  release=$(basename "$root"/lib/modules/*)
  version=$(basename "$root"/usr/src/lttng-modules-*)
  timer=$root/usr/src/$version/include/instrumentation/events/timer.h
  # Late updates of Linux 6.1 gave hrtimer_start a third argument, which 2.13.9 expects of later kernels only.
  if grep -q was_armed "$root"/usr/src/linux-headers-*-common/include/trace/events/timer.h && ! grep -q was_armed "$timer"; then
    sed -i '/^LTTNG_TRACEPOINT_EVENT_MAP(hrtimer_start,/,/^)/{
      s/enum hrtimer_mode mode),/enum hrtimer_mode mode, bool was_armed),/
      s/TP_ARGS(hrtimer, mode),/TP_ARGS(hrtimer, mode, was_armed),/}' "$timer"
  fi
  chroot "$root" dkms install -j "$(nproc)" --force "${version%-*}/${version##*-}" -k "$release" || {
    cat "$root"/var/lib/dkms/lttng-modules/*/build/make.log
    return 1
  }
  rm "$root/etc/dkms/no-autoinstall"
}

# What the kernel starts: the tree is on the second disk, under the name that it has outside.
write_init() {
  cat >"$1/sbin/guest-init" <<'END'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
mount -t proc proc /proc
tree=$(sed -n 's/.*guest.tree=\([^ ]*\).*/\1/p' /proc/cmdline)
mkdir -p "$tree" && mount -t ext4 /dev/vdb "$tree" && exec "$tree/tests/guest/init.sh" "$tree"
END
  chmod 0755 "$1/sbin/guest-init"
}

recipe=$(readlink -f "$0")
if [ "$#:${1-}" = 2:--finish ]; then  # called back by mmdebstrap
  build_modules "$2"
  write_init "$2"
  exit 0
fi
[ $# -eq 1 ] || { echo 'usage: image.sh DIRECTORY' >&2; exit 2; }
mkdir -p "$1"
cd "$1"
made_by=$(sha256sum <"$recipe")
if [ "$made_by" = "$(cat recipe 2>/dev/null)" ]; then exit 0; fi
[ "$(id -u)" -eq 0 ] || { echo 'image.sh: the image is made of files of root: run it as root' >&2; exit 1; }
rm -rf --one-file-system recipe chroot
trap 'rm -rf --one-file-system chroot' EXIT

export recipe
all=$(IFS=,; echo "${packages[*]}")
# What it mounts there nobody else sees, and it is gone with it.
# shellcheck disable=SC2016  # for its shell
unshare --mount --propagation private mmdebstrap --mode=root --variant=minbase --include="$all" \
  --customize-hook='"$recipe" --finish "$1"' bookworm chroot
cp chroot/boot/vmlinuz-* vmlinuz
cp chroot/boot/initrd.img-* initrd.img
cp chroot/boot/config-* config
rm -f root.ext4
mke2fs -q -t ext4 -d chroot root.ext4 "${size_mib}M"
printf '%s\n' "$made_by" >recipe
