#!/bin/bash
# SPDX-License-Identifier: MIT
# The guest's process 1: runs TREE/guest-command and powers the guest off. Its status is left in TREE/guest-status.
tree=$1
mountpoint -q /sys || mount -t sysfs sysfs /sys
[ -e /dev/null ] || mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for place in /dev/shm /run /tmp; do mount -t tmpfs tmpfs "$place"; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
ip link set lo up
hostname guest
ulimit -l unlimited
ln -sfn /proc/self/fd /dev/fd

cd "$tree" || exit 1
echo "guest: Linux $(uname -r), up for $(cut -d' ' -f1 /proc/uptime) s"
setsid -w bash ./guest-command </dev/null 2>&1
echo $? >guest-status
dmesg >guest-dmesg
sync
echo o >/proc/sysrq-trigger
sleep 60
