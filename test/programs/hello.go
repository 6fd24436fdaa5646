// Goroutines, channels, timers, a child process, an HTTP server with its own client: one static binary.
package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

func main() {
	var group sync.WaitGroup
	values := make(chan int, 4)
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			time.Sleep(time.Millisecond * time.Duration(i%3))
			sum := 0
			for k := 0; k < 100000; k++ {
				sum += k % (i + 1)
			}
			values <- sum
		}(i)
	}
	go func() { group.Wait(); close(values) }()
	for value := range values {
		fmt.Print(value, " ")
	}
	fmt.Println(time.Now().UnixNano())

	garbage := 0
	for i := 0; i < 2000; i++ {
		garbage += len(make([]byte, 10000+i))
	}
	runtime.GC()
	fmt.Println(garbage)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "path %s", r.URL.Path)
	}))
	for i := 0; i < 5; i++ {
		reply, err := http.Get(fmt.Sprintf("http://%s/%d", listener.Addr(), i))
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		fmt.Println(string(body))
	}
	out, err := exec.Command("date", "+%N").Output()
	fmt.Print(string(out), err, "\n")
	random := make([]byte, 8)
	rand.Read(random)
	fmt.Printf("%x %v\n", random, os.Getpid() > 0)
}
