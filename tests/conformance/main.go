// SPDX-License-Identifier: MIT
// Goroutines, signals, child processes, preemption by signals, a fault that becomes a panic.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-signals)

	var group sync.WaitGroup
	var mutex sync.Mutex
	sum := 0
	values := make(chan int, 10)
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(k int) {
			defer group.Done()
			mutex.Lock()
			sum += k
			mutex.Unlock()
			values <- k
		}(i)
	}
	received := 0
	for i := 0; i < 1000; i++ {
		received += <-values
	}
	group.Wait()
	fmt.Println(sum, received)

	go func() {
		for {
		}
	}()
	time.Sleep(50 * time.Millisecond)
	fmt.Println("after a loop that never yields")

	out, err := exec.Command("echo", "child").CombinedOutput()
	fmt.Print(string(out), err, "\n")
	err = exec.Command("sh", "-c", "exit 3").Run()
	fmt.Println(err)

	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	go func() {
		c, _ := listener.Accept()
		fmt.Fprintln(c, "over tcp")
		c.Close()
	}()
	c, _ := net.Dial("tcp", listener.Addr().String())
	buffer := make([]byte, 100)
	n, _ := c.Read(buffer)
	fmt.Print(string(buffer[:n]))

	func() {
		defer func() { fmt.Println(recover()) }()
		var p *int
		*p = 1
	}()
	os.Exit(4)
}
