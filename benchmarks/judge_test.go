package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/touchstone-go/touchstone/benchmarks/seeded"
	"github.com/touchstone-go/touchstone/index"
	"github.com/touchstone-go/touchstone/server"
)

func BenchmarkJudge(b *testing.B) {
	const n = 10_000
	x, err := index.Open(b.Context(), "", &index.Options{InMemory: true})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	if err := judgeable(b, x, n); err != nil {
		b.Fatal(err)
	}
	pictures := files(b, "uploads/*-*.jpg")
	for _, mode := range []index.Mode{index.Fast, index.Thorough} {
		b.Run(fmt.Sprintf("n=%d/mode=%s/door=library", n, mode), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := bytes.NewReader(pictures[i%len(pictures)])
				if _, err := x.Judge(b.Context(), r, index.JudgeOptions{Mode: mode}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("n=%d/mode=%s/door=http", n, mode), func(b *testing.B) {
			s := httptest.NewServer(server.New(x, server.Options{Mode: mode}))
			defer s.Close()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := post(b.Context(), s, pictures[i%len(pictures)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// judgeable puts n seeded references into x, which are codes alone, and the photos
// of the demo and of the small set of accuracy, which have features.
func judgeable(b *testing.B, x *index.Index, n int) error {
	ctx := b.Context()
	if err := seeded.Fill(ctx, x, n); err != nil {
		return err
	}
	if _, err := x.CreateBank(ctx, index.Bank{Name: "photos", Kind: index.Fake}); err != nil {
		return err
	}
	photos := append(files(b, "references/*/*.jpg"), files(b, "../accuracy/photos/*.jpg")...)
	for i, f := range photos {
		ref := index.Reference{Bank: "photos", ID: fmt.Sprint(i)}
		if _, err := x.Register(ctx, ref, bytes.NewReader(f), index.RegisterOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func post(ctx context.Context, s *httptest.Server, picture []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/judge", bytes.NewReader(picture))
	if err != nil {
		return err
	}
	res, err := s.Client().Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", res.Status)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
