#!/usr/bin/env bash
# Makes the base image's root file system, FOLDER/bookworm.tar: what `debian:bookworm-slim` holds, from the Debian mirror
# and not from a registry. The same packages give the same bytes.
set -euo pipefail
folder=$1
mirror=${AMBIENT_DEBIAN_MIRROR:-http://deb.debian.org}

mkdir -p "$folder"
rm -f "$folder"/new.*
# Documentation and translations stay out, licences stay, as in the official image; the settings hold for later packages.
SOURCE_DATE_EPOCH=0 timeout 900 mmdebstrap --variant=minbase --mode=root --format=tar \
  --include=usr-is-merged --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
  --dpkgopt='force-unsafe-io' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  bookworm "$folder/new.tar" \
  "deb $mirror/debian bookworm main" \
  "deb $mirror/debian bookworm-updates main" \
  "deb $mirror/debian-security bookworm-security main"
sha256sum "$folder/new.tar" | cut -d' ' -f1 >"$folder/bookworm.sha256"
mv "$folder/new.tar" "$folder/bookworm.tar"
