# Pipelines, traps, background jobs, substitutions, a coprocess. Prints the same each time, in the same order; uses no file.
trap 'echo caught' USR1
trap 'echo ends; exit 5' EXIT
three() {
  for i in 1 2 3; do (sleep 0.01; echo part $i) & done
  wait
}
for k in 1 2 3; do
  three | sort
  kill -USR1 $$
  echo "$k: $(seq 1 200 | while read -r n; do echo $((n * n)); done | tail -n 1)"
  read -r a b < <(echo one two)
  echo $b $a
  tr a-z A-Z <<END
here $k
END
done
coproc TALK { while read -r line; do echo "heard $line"; done; }
echo word >&${TALK[1]}
read -r answer <&${TALK[0]}
echo $answer
talker=$TALK_PID
eval "exec ${TALK[1]}>&-"
wait $talker
# It says so once it has its trap.
read -r ready < <(
  (trap 'exit 7' TERM; echo $BASHPID; while :; do sleep 0.01; done) &
)
while ! kill -TERM $ready 2>/dev/null; do :; done
while kill -0 $ready 2>/dev/null; do sleep 0.01; done
echo terminated
