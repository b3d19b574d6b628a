package main

import (
	"bytes"
	"log/slog"
	"testing"
)

// Whoever serves on an address that others reach is told that there are no keys.
func TestWarnPublic(t *testing.T) {
	for addr, warned := range map[string]bool{
		"127.0.0.1:8080": false, "127.9.9.9:1": false, "[::1]:8080": false, "localhost:8080": false,
		"0.0.0.0:8080": true, ":8080": true, "[::]:8080": true, "192.168.1.2:80": true, "example.com:80": true,
	} {
		var b bytes.Buffer
		warnPublic(slog.New(slog.NewTextHandler(&b, nil)), addr)
		if got := b.Len() > 0; got != warned {
			t.Errorf("%s: warned %v, want %v", addr, got, warned)
		}
	}
}
