#!/usr/bin/env bash
# Builds clyde so that equal sources give equal bytes, wherever they lie.
#
#   action/build.sh VERSION FOLDER             every platform, and checksums.txt
#   action/build.sh VERSION FOLDER linux/amd64 these platforms alone
#   action/build.sh --check                    build what action/checksums.txt
#                                              says, and compare
#
# VERSION is what "clyde version" prints, such as v1.2.3. The bytes depend on it,
# on the sources and on the version of Go, which checksums.txt names; a check
# with another Go asks for that one through GOTOOLCHAIN.
set -euo pipefail

source_tree="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly source_tree
readonly committed="$source_tree/action/checksums.txt"
readonly platforms=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64)

digest() {
  if command -v sha256sum >/dev/null; then
    sha256sum <"$1"
  else
    shasum -a 256 <"$1"
  fi | cut -d' ' -f1
}

# build VERSION FOLDER OS/ARCH prints the name of the file that it writes.
build() {
  local os="${3%/*}" arch="${3#*/}" suffix=""
  [[ "$os" != windows ]] || suffix=.exe
  local name="clyde_${os}_${arch}${suffix}"
  (cd "$source_tree" && CGO_ENABLED=0 GOOS="$os" GOARCH="$arch" GOAMD64=v1 GOARM64=v8.0 GOFLAGS=-mod=readonly GOWORK=off GOEXPERIMENT="" \
    go build -trimpath -buildvcs=false -ldflags="-s -w -buildid= -X main.released=$1" -o "$2/$name" ./cmd/clyde)
  printf '%s\n' "$name"
}

# build_all VERSION FOLDER OS/ARCH... writes the files and their checksums.
build_all() {
  local version="$1" folder="$2" platform name
  shift 2
  printf '# clyde %s, built with %s by action/build.sh\n' "$version" "$(cd "$source_tree" && go env GOVERSION)" >"$folder/checksums.txt"
  for platform in "$@"; do
    name="$(build "$version" "$folder" "$platform")"
    printf '%s  %s\n' "$(digest "$folder/$name")" "$name" >>"$folder/checksums.txt"
  done
}

# check builds into a temporary folder what the committed checksums name.
check() {
  local version go folder status=0
  version="$(sed -n 's/^# clyde \(v[^ ,]*\), built with .*/\1/p' "$committed")"
  go="$(sed -n 's/^# clyde .*, built with \(go[0-9.]*\) .*/\1/p' "$committed")"
  if [[ -z "$version" || -z "$go" ]]; then
    echo "action/checksums.txt names no release" >&2
    return 1
  fi
  [[ "$(cd "$source_tree" && go env GOVERSION)" == "$go" ]] || export GOTOOLCHAIN="$go"
  folder="$(mktemp -d)"
  build_all "$version" "$folder" "${platforms[@]}"
  diff "$committed" "$folder/checksums.txt" || status=1
  rm -rf "$folder"
  return "$status"
}

if [[ "${1:-}" == --check ]]; then
  check
  exit
fi
if (($# < 2)) || [[ ! "$1" =~ ^[A-Za-z0-9][A-Za-z0-9.+-]*$ ]]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
version="$1"
mkdir -p "$2"
folder="$(cd "$2" && pwd)"
shift 2
(($# > 0)) || set -- "${platforms[@]}"
build_all "$version" "$folder" "$@"
