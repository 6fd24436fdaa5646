// agent-loop COUNT: the same calls over and over, by Go's runtime, which has no C library, and a handler for every signal.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	zero, err := os.Open("/dev/zero")
	if err != nil {
		panic(err)
	}
	var sum uint64
	buffer := make([]byte, 1)
	for i := 0; i < count; i++ {
		if n, err := zero.Read(buffer); n != 1 || err != nil {
			panic("read")
		}
		sum = sum*31 + uint64(os.Getppid()) + uint64(time.Now().UnixNano())
	}
	// Threads are begun and end with all signals blocked.
	var group sync.WaitGroup
	results := make(chan int, 8)
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			time.Sleep(time.Millisecond)
			results <- os.Getpid() * i
		}(i)
	}
	group.Wait()
	close(results)
	for result := range results {
		sum = sum*31 + uint64(result)
	}
	fmt.Printf("sum %x\n", sum)
	os.Exit(7)
}
