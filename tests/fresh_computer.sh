#!/usr/bin/env bash
# The README's commands on a computer that has nothing yet, typed by a new user:
#
#     sudo tests/fresh_computer.sh DIR [TARGET...]
#
# makes a minimal Debian 13 in DIR, with python3, python3-venv, make and git, and nothing else. In
# it a new user without rights clones what is committed here and runs `make TARGET` for each target;
# without one, draw, quickstart and test. Prints how long each takes, draw until its page answers,
# and ends with the first that fails. DIR stays, 4 GB; the clone is DIR/home/newcomer/project.
# Needs root, debootstrap and the internet. MIRROR=URL names another mirror of Debian. For networks
# with a package index or a certificate of their own, PIP_INDEX_URL and PIP_CERT are passed on.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2; }
root=$(realpath -m "$1")
shift
targets=("$@")
[ $# -gt 0 ] || targets=(draw quickstart test)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

end() { echo "error: $1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || end 'needs root: sudo tests/fresh_computer.sh DIR'
command -v debootstrap > /dev/null || end 'needs debootstrap: apt install debootstrap'
[ ! -e "$root" ] || end "$root is there already: name a new folder, or remove it"

timed() {
  local start=$SECONDS
  "${@:2}" || end "$1 failed after $((SECONDS - start)) s"
  echo "== $1: $((SECONDS - start)) s"
}
debian() {
  debootstrap --variant=minbase --include=python3,python3-venv,make,git trixie "$root" \
    "${MIRROR:-http://deb.debian.org/debian}" > "$root.log" || end "Debian 13: see $root.log"
}
# Its own mounts and processes: both are gone with the command, however it ends.
inside() {
  unshare --mount --pid --fork -- bash -c '
    mkdir -p "$0/dev/shm" && mount -t proc proc "$0/proc" &&
      mount -t tmpfs -o mode=1777 shm "$0/dev/shm" && exec chroot "$0" "$@"' "$root" "$@"
}
as_newcomer() {
  inside su --login --whitelist-environment=PIP_INDEX_URL,PIP_CERT newcomer --command "$1"
}
# With the shell that waits for the page its server ends too.
until_the_page_answers='make draw > draw.log 2>&1 &
  while sleep 1 && kill -0 $! 2> /dev/null; do
    page=$(sed -n "s/^draw at \([^ ]*\).*/\1/p" draw.log)
    python3 -c "from urllib import request; request.urlopen(\"$page\")" 2> /dev/null && exit
  done
  cat draw.log; exit 1'

timed 'Debian 13' debian
cp /etc/resolv.conf /etc/hosts "$root/etc/"
[ -z "${PIP_CERT:-}" ] || install -D -m 644 "$PIP_CERT" "$root$PIP_CERT"
git -C "$here" bundle create --quiet "$root/tmp/project.bundle" HEAD
chmod 644 "$root/tmp/project.bundle"
inside useradd --create-home --shell /bin/bash newcomer
as_newcomer 'git -c advice.detachedHead=false -c init.defaultBranch=main clone --quiet \
  /tmp/project.bundle project && python3 -V'
for target in "${targets[@]}"; do
  case $target in draw) command=$until_the_page_answers ;; *) command="make $target" ;; esac
  timed "make $target" as_newcomer "cd project || exit; $command"
done
