#!/usr/bin/env bash
# Installs what the system tests need and this machine does not have, from Debian 12; needs root. Idempotent.
set -eu
export DEBIAN_FRONTEND=noninteractive
declare -A PACKAGES=(
  [/usr/sbin/dockerd]=docker.io
  [/usr/bin/docker]=docker.io
  [/usr/bin/mmdebstrap]=mmdebstrap
  [/usr/bin/shellcheck]=shellcheck
)
missing=()
for file in "${!PACKAGES[@]}"; do
  [ -e "$file" ] || missing+=("${PACKAGES[$file]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
apt="apt-get -q -y -o DPkg::Lock::Timeout=600"
$apt update
# an installed package must not start a daemon on the machine: the tests start an engine of their own
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
$apt install --no-install-recommends "${missing[@]}"
