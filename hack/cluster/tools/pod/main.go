// Command pod is the only program of the ring's own image: what holds a pod's namespaces open, and what tests of the ring run.
//
//	pod                  waits for SIGTERM
//	pod get URL          prints the body that an HTTP server answers with
//	pod write FILE TEXT  writes a file, then waits for SIGTERM
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "get":
		check(get(os.Args[2]))
		return
	case len(os.Args) == 4 && os.Args[1] == "write":
		check(os.WriteFile(os.Args[2], []byte(os.Args[3]), 0o666))
	case len(os.Args) > 1:
		check(fmt.Errorf("unknown arguments %s", strings.Join(os.Args[1:], " ")))
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
}

func get(url string) error {
	client := http.Client{Timeout: 20 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(os.Stdout, io.LimitReader(answer.Body, 1<<20))
	return err
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
