# shellcheck shell=bash
# Where everything is kept that takes long to make and can be made again.
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/earshot
mkdir -p "$CACHE"

# make <file> <command...>: run the command with a temporary name, so that a file in the cache is always whole
make_once() {
  local file=$1 part
  shift
  [ -e "$file" ] && return 0
  part=$file.part.$$
  rm -rf "$part"
  "$@" "$part"
  mv "$part" "$file"
}
