package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/touchstone-go/touchstone/hash"
)

// maxInGroup is how many files of a size and kind are timed; of more, as many
// are drawn by the checksums of their names.
const maxInGroup = 24

// folderGroups sorts the JPEGs below a folder by size class and kind, and counts
// those that image/jpeg or the product refuses, by the reason.
func folderGroups(ctx context.Context, dir string) (groups []group, refused map[string]int, err error) {
	paths, err := jpegs([]string{dir})
	if err != nil {
		return nil, nil, err
	}
	refused = make(map[string]int)
	for _, p := range drawn(paths, "files") {
		f, g, reason, err := lookAt(ctx, p)
		if err != nil {
			return nil, nil, err
		}
		if reason != "" {
			refused[reason]++
			continue
		}
		i := slices.IndexFunc(groups, func(o group) bool { return o.size == g.size && o.kind == g.kind })
		if i < 0 {
			i, groups = len(groups), append(groups, g)
		}
		if groups[i].of++; len(groups[i].files) < maxInGroup {
			groups[i].files = append(groups[i].files, f)
		}
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.kind, b.kind))
	})
	return groups, refused, nil
}

// lookAt reads a file and says to which group it belongs, or why it is refused.
func lookAt(ctx context.Context, path string) (f input, g group, refused string, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return f, g, "", err
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return f, g, "refused by image/jpeg", nil
	}
	if _, _, err := new(hash.Hasher).Query(ctx, b, limits); err != nil {
		reason, unusable := hash.IsUnusable(err)
		if !unusable {
			return f, g, "", fmt.Errorf("%s: %w", path, err)
		}
		return f, g, string(reason), nil
	}
	f = input{name: filepath.Base(path), data: b, w: c.Width, h: c.Height}
	return f, group{size: sizeClass(c.Width, c.Height), kind: kindOf(b)}, "", nil
}

// kindOf names the kind of a JPEG by its frame header, as the table does.
func kindOf(b []byte) string {
	frame, progressive := frameHeader(b)
	switch {
	case frame == nil:
		return "other"
	case progressive:
		return progressiveKind
	case len(frame) == 1:
		return "grey"
	case len(frame) != 3 || frame[1] != 0x11 || frame[2] != 0x11:
		return "other"
	}
	switch frame[0] {
	case 0x11:
		return "4:4:4"
	case 0x21:
		return "4:2:2"
	case 0x22:
		return "4:2:0"
	}
	return "other"
}

// frameHeader returns the sampling factors of the components, one byte each, of
// a file with Huffman codes; nil if there is no such header.
func frameHeader(b []byte) (factors []byte, progressive bool) {
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		if b[i+1] == 0xff { // fill
			i++
			continue
		}
		n := 2 + int(b[i+2])<<8 + int(b[i+3])
		if i+n > len(b) {
			return nil, false
		}
		if m := b[i+1]; m >= 0xc0 && m <= 0xc2 && n > 9 {
			for c := i + 10; c+3 <= i+n; c += 3 {
				factors = append(factors, b[c+1])
			}
			return factors, m == 0xc2
		}
		i += n
	}
	return nil, false
}

// folderResults is what a run over a folder found.
type folderResults struct {
	run
	Lines   []line         `json:"lines"`
	Refused map[string]int `json:"refused"`
}

// measureFolder prints the table over the files of a folder.
func measureFolder(ctx context.Context, dir string, w io.Writer) (r *folderResults, missed int, err error) {
	began := time.Now()
	groups, refused, err := folderGroups(ctx, dir)
	if err != nil {
		return nil, 0, err
	}
	r = &folderResults{Refused: refused}
	for reason, n := range refused {
		fmt.Fprintf(w, "%d files refused: %s\n", n, reason)
	}
	var s stopwatch
	printHead(w)
	for _, g := range groups {
		l, err := s.lineOf(ctx, g, slowTurns(g.size))
		if err != nil {
			return nil, 0, err
		}
		l.print(w)
		r.Lines = append(r.Lines, l)
		missed += l.missed()
	}
	r.run = newRun([]string{dir}, began)
	return r, missed, nil
}

// slowTurns is how often the slow ways are timed.
func slowTurns(size int) int { return sizes[max(size, 0)].slow }
