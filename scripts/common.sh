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

# How everything here is built: optimised, without what a debugger reads, which would take a sixth
# of the compiler's time (a build by hand for a debugger or a profiler leaves that option out), and
# each module read once: a job of its own for the interface would read it all again, which pays only
# where there are more processors than modules to wait for.
build_flags=(-c release --manifest-cache none -debug-info-format none
  -Xswiftc -no-emit-module-separately-wmo)

# How tests are built and run everywhere: with assertions, in a folder of their own.
test_flags=("${build_flags[@]}" -Xswiftc -assert-config -Xswiftc Debug
  --scratch-path .build/check --disable-xctest)

# Builds the programs, of which some tests start one, and the tests. Products are named, since a
# build of everything would take in what swift-protobuf brings for those who generate code: a
# compiler in C++.
build_tests() {
  swift build "${test_flags[@]}" --product trnbench &&
    swift build "${test_flags[@]}" --product kernelspeed &&
    swift build "${test_flags[@]}" --product trnbenchPackageTests
}

# Runs the tests that build_tests built. Arguments go to `swift test`.
run_tests() { swift test "${test_flags[@]}" --skip-build "$@"; }
