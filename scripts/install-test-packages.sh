#!/usr/bin/env bash
# Installs with apt what the tests use beyond a fresh machine, if we are root; once, and within a time limit. What is not
# there afterwards makes the tests that need it skip, each with its reason, so this never fails. TEST_PACKAGES=0 leaves
# the machine as it is.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

LIMIT_SECONDS=900
LOG=build/test-packages.log
# The packages that could not be had when it was tried last: no need to try again each time.
TRIED=build/test-packages.tried

# One line a command: its name, or the path of another file, and the package that has it.
wanted() {
  cat <<'COMMANDS'
ab apache2-utils
babeltrace2 babeltrace2
bash bash
bc bc
busybox busybox
chromium chromium
cmake cmake
curl curl
fish fish
g++ g++
gawk gawk
gcc gcc
gdb gdb
git git
go golang-go
gpg gnupg
gpg-agent gpg-agent
gzip gzip
javac default-jdk-headless
jq jq
less less
lua5.4 lua5.4
m4 m4
make make
musl-gcc musl-tools
nginx nginx-light
ninja ninja-build
openssl openssl
perl perl
pg_ctlcluster postgresql
php php-cli
psql postgresql-client
python3 python3
redis-benchmark redis-tools
redis-server redis-server
rsync rsync
ruby ruby
rustc rustc
script bsdutils
setpriv util-linux
socat socat
sqlite3 sqlite3
ssh-keygen openssh-client
strace strace
tmux tmux
unzip unzip
vim vim
wrk wrk
xz xz-utils
zip zip
zsh zsh
/usr/include/tbb/tbb.h libtbb-dev
COMMANDS
}

missing() {
  wanted | while read -r command package; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$command" >/dev/null || [[ -f $command ]] || echo "$package"
  done | sort -u
}

packages=$(missing | tr '\n' ' ')
[[ -n $packages ]] || exit 0
mkdir -p build
if [[ ${TEST_PACKAGES:-1} == 0 || $EUID != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "tests will be skipped for want of: $packages"
  exit 0
fi
if [[ $packages == "$(cat "$TRIED" 2>/dev/null)" ]]; then
  echo "tests will be skipped for want of: $packages(see $LOG)"
  exit 0
fi

echo "installing for the tests: $packages"
export DEBIAN_FRONTEND=noninteractive
# Servers are for the tests alone: none is to be started by its package.
POLICY=/usr/sbin/policy-rc.d
if [[ ! -e $POLICY ]] && printf '#!/bin/sh\nexit 101\n' >"$POLICY" 2>/dev/null; then
  chmod +x "$POLICY"
  trap 'rm -f "$POLICY"' EXIT
fi

deadline=$((SECONDS + LIMIT_SECONDS))
apt() {
  local left=$((deadline - SECONDS))
  ((left > 0)) || return 1
  timeout -k 10 "$left" apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=60 "$@"
}

{
  apt update
  # One that is unknown here must not keep the others away.
  # shellcheck disable=SC2086
  apt install -y --no-install-recommends $packages ||
    for package in $packages; do apt install -y --no-install-recommends "$package"; done
} >"$LOG" 2>&1 </dev/null

packages=$(missing | tr '\n' ' ')
printf '%s' "$packages" >"$TRIED"
[[ -z $packages ]] || echo "not to be had: $packages(see $LOG); the tests that need them will be skipped"
exit 0
