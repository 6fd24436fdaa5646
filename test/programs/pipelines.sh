# Everything a shell is made of: pipelines, here-documents, subshells, traps, background jobs, substitutions.
set -u
count=$(printf '%s\n' b a c a | sort | uniq -c | tr -s ' ' | tee counted | wc -l)
echo "$count kinds"
cat counted | while read -r number letter; do echo "$letter: $number"; done
cat <<END
here: $((6 * 7)) $(echo nested "$(echo deeper)") $RANDOM
END
cat <<-'END' | sed 's/^/> /'
	quoted $HOME
	lines
END
read -r first <<<"a here string"
echo "$first"
(cd / && pwd; exit 3); echo "subshell $?"
{ echo to stdout; echo to stderr >&2; } 2>&1 | sort
trap 'echo "caught USR1 in $BASHPID"' USR1
kill -USR1 $$
trap 'echo at exit' EXIT
(trap 'echo child ends; exit 5' TERM; kill -TERM $BASHPID); echo "child $?"
for i in 1 2 3; do (exit $i) & done
wait; echo "all done"
(exit 7) & wait $!; echo "waited for $?"
exec 3<>fifo-like; echo through a descriptor >&3; exec 3<&-; cat fifo-like
mkfifo pipe; (echo through a fifo >pipe) & cat pipe; wait
diff <(echo one; echo same) <(echo two; echo same); echo "diff $?"
coproc UPPER { while read -r line; do echo "${line^^}"; done; }
echo shout >&"${UPPER[1]}"; read -r reply <&"${UPPER[0]}"; echo "$reply"
kill %% 2>/dev/null || kill "$UPPER_PID"; wait "$UPPER_PID" 2>/dev/null; echo "coprocess $?"
yes | head -3; echo "${PIPESTATUS[*]}"
printf '%s ' "$SECONDS" "$(date +%N | wc -c)"; echo
echo *
