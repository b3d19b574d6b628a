// Package seeded makes references that look like a catalogue to a search: two
// random PDQ codes each. Reference i is always the same, so that a store need
// not be remembered to know what is in it.
package seeded

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/touchstone-go/touchstone/hash"
	"github.com/touchstone-go/touchstone/index"
)

// Bank is the name of the bank that Fill fills.
const Bank = "catalogue"

// batch is how many references Fill gives to one Add.
const batch = 1000

// Code returns the code of one frame of reference i.
func Code(i int, fr hash.Frame) hash.Code {
	r := rand.New(rand.NewPCG(uint64(i), uint64(fr)))
	return hash.Code{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
}

// Reference returns reference i.
func Reference(i int) index.Reference {
	return index.Reference{
		Bank:        Bank,
		ID:          fmt.Sprintf("%03d/%09d.jpg", i%1000, i),
		Fingerprint: hash.FromCodes(Code(i, hash.Full), Code(i, hash.Trimmed), 100),
	}
}

// Query returns a code that differs from reference i's full one in n bits, the
// first ones.
func Query(i, n int) hash.Code {
	c := Code(i, hash.Full)
	for b := range n {
		c[b/64] ^= 1 << (b % 64)
	}
	return c
}

// Fill makes the bank and adds references 0 to n-1, batch by batch.
func Fill(ctx context.Context, x *index.Index, n int) error {
	if _, err := x.CreateBank(ctx, index.Bank{Name: Bank, Kind: index.Fake}); err != nil {
		return err
	}
	refs := make([]index.Reference, 0, batch)
	for i := 0; i < n; i += len(refs) {
		refs = refs[:0]
		for j := i; j < min(n, i+batch); j++ {
			refs = append(refs, Reference(j))
		}
		if _, err := x.Add(ctx, refs...); err != nil {
			return err
		}
	}
	return nil
}
