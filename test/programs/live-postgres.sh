# A PostgreSQL server in ./data, and a client that makes the statements of standard input. $1: where the commands of the server are.
PATH=$1:$PATH
directory=$PWD
postgres -D data -F -k "$directory" -c listen_addresses= 2> log &
server=$!
ask() { psql -h "$directory" -U owner -d postgres -qtA "$@"; }
until ask -c 'create table if not exists rows(name text)' 2> /dev/null; do sleep 0.1; done
ask
kill "$server"
wait "$server"
echo "ended with $?"
