#!/usr/bin/env bash
# Makes the clyde that the action runs ready, and writes its path to the output
# "path". It is, in this order:
#
#   1. the file that the input "binary" names;
#   2. the one of the release that this tree belongs to, when its SHA-256 is the
#      one in checksums.txt beside this script. Other bytes are never run, and
#      never replaced by something else either: the action fails;
#   3. a build of this tree, when there is no such release or it cannot be
#      reached, and Go is there.
#
# CLYDE_MIRROR may name another place for the files of releases,
# MIRROR/VERSION/FILE; the checksums decide, wherever the bytes come from.
# It runs with the bash, curl and sha256sum or shasum that every runner has.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly here
readonly checksums="$here/checksums.txt"

# say LEVEL TEXT annotates the run. Texts are our own but for values that the
# runner or the workflow's author chose; their line ends cannot get through.
say() {
  local text="$2"
  text="${text//'%'/%25}"
  text="${text//$'\r'/%0D}"
  text="${text//$'\n'/%0A}"
  printf '::%s title=clyde::%s\n' "$1" "$text"
}

fail() {
  say error "$1"
  exit 1
}

digest() {
  if command -v sha256sum >/dev/null; then
    sha256sum <"$1"
  else
    shasum -a 256 <"$1"
  fi | cut -d' ' -f1
}

# done_with FILE ends the script.
done_with() {
  printf 'path=%s\n' "$1" >>"$GITHUB_OUTPUT"
  exit 0
}

# platform prints OS_ARCH as the files of a release are named.
platform() {
  local os arch
  case "${RUNNER_OS:-$(uname -s)}" in
    Linux) os=linux ;;
    macOS | Darwin) os=darwin ;;
    Windows | MINGW* | MSYS*) os=windows ;;
    *) return 1 ;;
  esac
  case "${RUNNER_ARCH:-$(uname -m)}" in
    X64 | x86_64 | amd64) arch=amd64 ;;
    ARM64 | aarch64 | arm64) arch=arm64 ;;
    *) return 1 ;;
  esac
  printf '%s_%s\n' "$os" "$arch"
}

folder="${RUNNER_TEMP:-${TMPDIR:-/tmp}}/clyde-action"
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
system="$(platform)" || fail "clyde is not built for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this machine}; give the input binary"
file="clyde_$system"
suffix=""
if [[ "$system" == windows_* ]]; then
  suffix=.exe
  file+=.exe
fi
target="$folder/clyde$suffix"

if [[ -n "${INPUT_BINARY:-}" ]]; then
  [[ "$INPUT_BINARY" != *$'\n'* && -f "$INPUT_BINARY" ]] || fail "the input binary names no file: $INPUT_BINARY"
  cp "$INPUT_BINARY" "$target"
  chmod +x "$target"
  done_with "$target"
fi

version="$(sed -n 's/^# clyde \(v[^ ,]*\), built with .*/\1/p' "$checksums")"
wanted="$(awk -v file="$file" '$2 == file { print $1 }' "$checksums")"
if [[ -n "$version" && "$wanted" =~ ^[0-9a-f]{64}$ ]]; then
  from="${CLYDE_MIRROR:-https://github.com/clydepm/clyde/releases/download}"
  fresh="$target.download"
  if curl -fsSL --proto '=https,http' --retry 3 --connect-timeout 20 --max-time 300 --max-filesize 200000000 -o "$fresh" "$from/$version/$file"; then
    got="$(digest "$fresh")"
    if [[ "$got" != "$wanted" ]]; then
      rm -f "$fresh"
      fail "the $file of $version has the SHA-256 $got, not the $wanted that this action was released with. It was not run."
    fi
    chmod +x "$fresh"
    mv -f "$fresh" "$target"
    done_with "$target"
  fi
  rm -f "$fresh"
  say notice "the $file of $version cannot be downloaded; building it from the action's own sources"
fi

command -v go >/dev/null || fail "there is no released clyde to download for this action, and no Go to build one. Add a step with actions/setup-go before this one, or give the input binary."
"$here/build.sh" "${version:-devel}" "$folder/build" "${system/_//}"
mv -f "$folder/build/$file" "$target"
done_with "$target"
