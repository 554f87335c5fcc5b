// A static Go program: `web serve PORT DIR` or `web get URL FILE` (fetches, several at once, and compares).
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func fetch(url string, want []byte) error {
	r, err := http.Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	got, err := io.ReadAll(r.Body)
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%s: %d bytes that differ from the %d there should be", url, len(got), len(want))
	}
	return err
}

func get(url, file string) {
	want, err := os.ReadFile(file)
	if err != nil {
		fail(err)
	}
	var all sync.WaitGroup
	errs := make(chan error, 8)
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := fetch(url, want); err != nil {
				errs <- err
			}
		}()
	}
	all.Wait()
	close(errs)
	for err := range errs {
		fail(err)
	}
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		fail(http.ListenAndServe(":"+os.Args[2], http.FileServer(http.Dir(os.Args[3]))))
	}
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: web serve PORT DIR | web get URL FILE"))
	}
	get(os.Args[2], os.Args[3])
}
