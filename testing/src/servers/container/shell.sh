# Read by the shell of a container before the commands of the test. The images have little more than
# a shell, so these functions use only its built-in commands. A program ends when the shell ends, as
# the shell is the container's first process, and the shell ends at the end of its input.

# Returns the address of the container, if the engine has written it to the usual file.
own_address() {
  while read -r address names; do
    case $address in 127.* | *:*) continue ;; esac
    for name in $names; do
      if [ "$name" = "$1" ]; then echo "$address"; return; fi
    done
  done </etc/hosts
}

# Starts a program in a folder, and prints its process id.
begin() {
  folder=$1
  shift
  (cd "$folder" && exec "$@") </dev/null >"$folder/log" 2>&1 &
  echo "$!"
}

# Prints the state of a process or a thread, which follows its name in parentheses: a letter.
state() {
  { read -r stat <"$1/stat"; } 2>/dev/null || return
  stat=${stat##*) }
  echo "${stat%% *}"
}

# Whether a program has ended. A zombie has.
ended() {
  case $(state "/proc/$1") in '' | X | Z) echo yes ;; *) echo no ;; esac
}

is_stopped() {
  for task in /proc/"$1"/task/*; do
    case $(state "$task") in '' | T) ;; *) return 1 ;; esac
  done
}

# Suspends a program. The signal takes effect with a delay.
pause() {
  kill -STOP "$1" && until is_stopped "$1"; do :; done
}

resume() {
  kill -CONT "$1"
}

end() {
  kill -KILL "$1" 2>/dev/null
  wait "$1" 2>/dev/null
  return 0
}

print_log() {
  while IFS= read -r line; do printf '%s\n' "$line"; done <"$1/log"
}
