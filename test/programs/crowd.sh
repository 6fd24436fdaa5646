# Many short processes that talk by pipes. Prints the same each time, in the same order; uses no file.
total=0
for round in 1 2 3 4 5; do
  sum=$(seq 1 $((round * 150)) | sed 's/^/x/' | tr -d x | sort -rn | {
    s=0
    while read -r n; do s=$((s + n)); done
    echo $s
  })
  (exit $((round + 10))) &
  ended=$!
  { echo "from $round"; seq 1 20000; } | tail -n 2 &
  tail=$!
  wait $tail
  wait $ended
  echo "round $round: sum $sum, ended $?"
  total=$((total + sum))
done
trap 'echo caught' USR1
kill -USR1 $$
echo "total $total"
exit 8
