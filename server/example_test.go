package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/touchstone-go/touchstone/index"
	"github.com/touchstone-go/touchstone/server"
)

// The server is a handler and can be mounted beside others.
func ExampleNew() {
	ix, err := index.Open(context.Background(), "", &index.Options{InMemory: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ix.Close()

	mux := http.NewServeMux()
	mux.Handle("/touchstone/", http.StripPrefix("/touchstone", server.New(ix, server.Options{})))
	site := httptest.NewServer(mux)
	defer site.Close()

	resp, err := http.Post(site.URL+"/touchstone/v1/judge", "image/jpeg", strings.NewReader("not a picture"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	verdict, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(verdict), err)
	// Output: 200 {"outcome":"unusable","reason":"not_image","advice":"none","mode":"thorough","quality":0,"seq":0,"recipe":2,"fingerprint":"","matches":[],"more":0} <nil>
}
