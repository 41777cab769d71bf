#!/usr/bin/env bash
# Walks through the transitions of files and directories, and compares what `projfs state` says of every item
# with what it must be: at once, after an unmount and a mount, and after the daemon was killed.
#
# usage: states.sh PROJFS SCRATCH
set -euo pipefail
projfs=$1 scratch=$2
source=$scratch/source root=$scratch/root
failed=0
declare -A expected

mkdir -p "$source" "$root"
for name in listed looked read dirtied dirty-read written appended truncated cut deleted moved moved-read \
    moved-dirty moved-full linked replaced kept exclusive recreated both; do
    echo "content of $name" >"$source/$name"
done
: >"$source/empty"
ln -s looked "$source/link"
ln -s looked "$source/link-dirty"
ln -s looked "$source/link-moved"
mkdir -p "$source"/{dir,dir-dirty,dir-child,dir-gone,dir-moved/below,dir-over,dir-target,dir-again}
echo one >"$source/dir/one"
echo one >"$source/dir-child/one"
echo one >"$source/dir-gone/one"
echo deep >"$source/dir-moved/below/deep"
echo one >"$source/dir-over/one"
echo one >"$source/dir-again/one"

fail() {
    echo "FAILED: $*"
    failed=1
}

# Notes what an item must be from now on.
expect() {
    local word=$1 path
    shift
    for path in "$@"; do expected[$path]=$word; done
}

check() {
    local path word
    for path in "${!expected[@]}"; do
        word=$("$projfs" state "$root/$path" 2>/dev/null | awk '{ print $1; exit }') || word=${word:-absent}
        [[ ${word:-absent} == "${expected[$path]}" ]] ||
            fail "$1: $path is ${word:-absent}, should be ${expected[$path]}"
    done
}

daemon() { "$projfs" status --json "$root" | sed -n 's/^{"pid": *\([0-9]*\).*/\1/p'; }
mounted() { "$projfs" mount --keeper off "dir:$source" "$root"; }
refused() { ! "$@" 2>/dev/null || fail "not refused: $*"; }
same() { [[ $(cat "$root/$1") == "$2" ]] || fail "$1 holds $(cat "$root/$1"), should hold $2"; }

mounted
trap '"$projfs" unmount "$root" 2>/dev/null || umount -l "$root" 2>/dev/null || true' EXIT
cd "$root"

# Files.
stat looked >/dev/null
expect placeholder looked
ls >/dev/null
expect virtual listed
"$projfs" state "$root/listed" >/dev/null # asking changes nothing
cat read >/dev/null
expect hydrated read
cat empty >/dev/null
expect hydrated empty
chmod 600 dirtied
expect dirty dirtied
touch -c -d '2001-02-03 04:05:06.789' dirty-read
cat dirty-read >/dev/null
expect dirty dirty-read
printf x | dd of=written conv=notrunc status=none
expect full written
echo more >>appended
expect full appended
: >truncated
expect full truncated
truncate -s 3 cut
expect full cut
rm deleted
expect tombstone deleted
refused cat deleted
mv moved moved-here
expect tombstone moved
expect placeholder moved-here
cat moved-read >/dev/null
mv moved-read moved-read-here
expect tombstone moved-read
expect hydrated moved-read-here
chmod 600 moved-dirty
mv moved-dirty moved-dirty-here
expect tombstone moved-dirty
expect dirty moved-dirty-here
echo mine >moved-full
mv moved-full moved-full-here
expect tombstone moved-full
expect full moved-full-here
ln linked linked-too
[[ $(stat -c %i linked) == "$(stat -c %i linked-too)" ]] || fail "two names of one file show two numbers"
expect hydrated linked linked-too
echo new >replacing
mv replacing replaced
expect full replaced
expect absent replacing
refused bash -c 'set -o noclobber; >kept'
rm exclusive
(set -o noclobber && echo mine >exclusive)
expect full exclusive
rm recreated
echo again >recreated
expect full recreated
echo local >created
expect full created
rm created
expect absent created
mkfifo fifo
expect full fifo
mv both both-away
mv both-away both
expect placeholder both

# Symbolic links.
[[ $(readlink link) == looked ]] || fail "the link leads elsewhere"
touch -h -d '2001-02-03' link-dirty
expect dirty link-dirty
mv link-moved link-there
expect placeholder link-there
expect tombstone link-moved
ln -s nowhere link-new
expect full link-new

# Directories.
ls dir >/dev/null
stat dir >/dev/null
expect placeholder dir
cat dir/one >/dev/null
expect placeholder dir
expect hydrated dir/one
chmod 700 dir-dirty
expect dirty dir-dirty
echo child >dir-child/two
expect dirty dir-child
expect full dir-child/two
refused mkdir dir-child
refused rmdir dir-gone
rm dir-gone/one
rmdir dir-gone
expect tombstone dir-gone
mkdir made
echo in >made/in
expect full made made/in
mv dir-moved dir-there
expect tombstone dir-moved
same dir-there/below/deep deep
expect hydrated dir-there/below/deep
refused mv -T dir-over dir-child
rm dir-over/one
mv -T dir-target dir-over
expect tombstone dir-target
rm -r dir-again
mkdir dir-again
expect full dir-again
[[ -z $(ls dir-again) ]] || fail "a directory that was made again shows what was projected"

contents() {
    same read "content of read"
    same moved-here "content of moved"
    same moved-full-here mine
    same exclusive mine
    same dir-child/two child
    same dir-there/below/deep deep
    same both "content of both"
    [[ $(stat -c %a dirtied) == 600 ]] || fail "the changed mode is lost"
    [[ $(stat -c %y dirty-read) == "2001-02-03 04:05:06.789"* ]] || fail "the changed time is lost"
    expect hydrated moved-here both
}

check "at once"
cd /
"$projfs" unmount "$root"
[[ $(cat "$root/read") == "content of read" ]] || fail "stopped: a hydrated file is not there"
[[ $(cat "$root/dir-child/two") == child ]] || fail "stopped: a full file is not there"
while IFS= read -r -d '' file; do
    path=${file#"$root"/}
    case ${expected[$path]:-} in
    hydrated | full | dirty) ;;
    *) fail "stopped: $path can be read as content" ;;
    esac
done < <(find "$root" -path "$root/.projfs" -prune -o -type f -perm /444 -print0)
mounted
cd "$root"
check "after a mount"
contents
check "after reading"
pid=$(daemon)
cd /
kill -9 "$pid"
mounted
cd "$root"
check "after kill -9"
contents
cd /
"$projfs" unmount "$root"
"$projfs" mount --keeper on "dir:$source" "$root"
cd "$root"
kill -9 "$(daemon)"
# This very shell is in a directory of the mount.
check "after kill -9 of a kept mount"
contents
kill -9 "$(daemon)"
check "after another"
cd /
exit "$failed"
