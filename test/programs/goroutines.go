// Goroutines that make no call: only a signal takes a processor from one, for another of them, for the garbage collector
// that stops the world, and for the main goroutine at its end.
package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

const spinners = 1

// Each on its own line of the processor's cache.
type slot struct {
	count uint64
	_     [56]byte
}

var slots [spinners]slot
var racy uint64

func spin(own *slot) {
	for i := uint64(0); ; i++ {
		own.count = own.count*3 + i
		racy++
	}
}

// Calls nothing, and keeps all its state in registers.
func collatz(from, to uint64) (longest uint64) {
	for n := from; n < to; n++ {
		steps := uint64(0)
		for x := n; x != 1; steps++ {
			if x%2 == 0 {
				x /= 2
			} else {
				x = 3*x + 1
			}
		}
		if steps > longest {
			longest = steps
		}
	}
	return longest
}

type node struct {
	next *node
	pad  [6]uint64
}

func main() {
	for i := range slots {
		go spin(&slots[i])
	}
	var ready int32
	go func() { time.Sleep(time.Millisecond); atomic.StoreInt32(&ready, 1) }()
	longest := collatz(1, 3000)
	for atomic.LoadInt32(&ready) == 0 {
		longest = collatz(1, 3000)
	}
	var list *node
	for i := 0; i < 2000; i++ {
		list = &node{next: list}
	}
	// The collector has to stop all of them, twice.
	runtime.GC()
	length := 0
	for ; list != nil; list = list.next {
		length++
	}
	sum := racy
	for i := range slots {
		sum = sum*31 + slots[i].count
	}
	fmt.Printf("%d %d %016x\n", longest, length, sum)
}
