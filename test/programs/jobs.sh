# Job control by a script: `set -m` on a terminal.
set -m
echo "monitor: $-" | grep -c m
sleep 1000 &
jobs
kill -STOP %1
until jobs | grep Stopped; do :; done
bg %1
until jobs | grep Running; do :; done
kill %1
wait $!; echo "killed: $?"
cat | rev & # stopped by SIGTTIN when it reads
until jobs | grep 'Stopped'; do :; done
kill -KILL %%; wait 2>/dev/null; echo "ended: $?" # it warns if the kill has not come yet
bash -c 'kill -STOP $$; echo continued'
echo "stopped: $?"
fg
echo "foreground: $?"
stty size; stty -a | head -1
