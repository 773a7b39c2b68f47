#!/usr/bin/env bash
# Installs the Debian packages that a ring needs and that are missing: `hack/cluster/packages.sh [control-plane|node|image]…`.
# Exit code 3 when a person has to install something.
set -euo pipefail

declare -A package=([openssl]=openssl [flock]=util-linux [setsid]=util-linux [nsenter]=util-linux [ip]=iproute2 [nft]=nftables
  [iptables]=iptables [conntrack]=conntrack [containerd]=containerd [runc]=runc [buildah]=buildah [mmdebstrap]=mmdebstrap [strip]=binutils)
declare -A commands=([control-plane]="openssl flock setsid"
  [node]="openssl flock setsid nsenter ip nft iptables conntrack containerd runc" [image]="flock buildah mmdebstrap strip")

missing=()
for use in "${@:-node}"; do
  [ -n "${commands[$use]:-}" ] || { echo "usage: hack/cluster/packages.sh [control-plane|node|image]…" >&2; exit 2; }
  for command in ${commands[$use]}; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$command" >/dev/null || missing+=("${package[$command]}")
  done
  if [ "$use" = node ] && [ ! -x /usr/lib/cni/bridge ] && [ ! -x /opt/cni/bin/bridge ]; then
    missing+=(containernetworking-plugins)
  fi
done
[ ${#missing[@]} -gt 0 ] || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

install="apt-get install --yes --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "error: install what holds ${missing[*]} on Debian, then try again" >&2
  exit 3
elif [ "$(id -u)" != 0 ]; then
  echo "error: packages are missing; run: sudo $install" >&2
  exit 3
fi
echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# Not every machine's lists are fresh, or there at all.
$install -qq >/dev/null 2>&1 || { apt-get update -qq >&2 && $install -qq >/dev/null; } ||
  { echo "error: could not install; run: $install" >&2; exit 3; }
