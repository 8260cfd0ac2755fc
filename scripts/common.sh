# shellcheck shell=bash
# Shared by the scripts beside it (sourced, not run): goes to the repository root and defines
# how a script speaks, fails and shows its own head comment as help.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# Says a line on standard error, so that standard output stays for results.
say() { printf '%s\n' "$*" >&2; }

# Says what went wrong and what to do, then ends.
die() {
  say "error: $*"
  exit 1
}

# Prints the comment at the head of a script, without the marks.
show_help() {
  sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$1"
}
