package index_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/touchstone-go/touchstone/index"
)

// The whole way: open a store, register a photo of a known fake, judge a copy
// of it.
func Example() {
	dir, err := os.MkdirTemp("", "touchstone-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	x, err := index.Open(ctx, dir, nil) // nil options are good options
	if err != nil {
		log.Fatal(err)
	}
	defer x.Close()
	if _, err := x.CreateBank(ctx, index.Bank{Name: "acme-fakes", Kind: index.Fake, Owner: "Acme"}); err != nil {
		log.Fatal(err)
	}

	photo, err := os.Open("../testdata/demo/references/acme-fakes/duffel-brown.jpg")
	if err != nil {
		log.Fatal(err)
	}
	defer photo.Close()
	ref := index.Reference{Bank: "acme-fakes", ID: "bags/duffel-brown.jpg"}
	if _, err := x.Register(ctx, ref, photo, index.RegisterOptions{}); err != nil {
		log.Fatal(err)
	}

	upload, err := os.Open("../testdata/demo/uploads/mirrored-duffel.jpg")
	if err != nil {
		log.Fatal(err)
	}
	defer upload.Close()
	v, err := x.Judge(ctx, upload, index.JudgeOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.Outcome, v.Advice)
	for _, m := range v.Matches {
		fmt.Println(m.Bank, m.ID, m.Grade, m.Distance.PDQ, m.Distance.Transform)
	}
	// Output:
	// known_fake block
	// acme-fakes bags/duffel-brown.jpg strong 8 mirror
}
