package hash

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"reflect"
	"slices"
	"testing"

	"github.com/disintegration/imaging"

	"github.com/touchstone-go/touchstone/benchmarks/edit"
)

// TestLoad: before, an Info of a picture that was read small knows the fingerprint alone
// and what follows from it; after, all that Read knows.
func TestLoad(t *testing.T) {
	notShort(t)
	var h Hasher
	for name, b := range map[string][]byte{
		"border": edit.JPEG(edit.Border(demoNamed(t, "boots-brown").img, color.Black, .1), 85),
		"none":   edit.JPEG(demoNamed(t, noBorder).img, 85),
		"turned": edit.JPEGOriented(edit.JPEG(edit.Border(demoNamed(t, "rope").img, color.White, .1), 85), 8),
	} {
		q, e := h.seeAs(b, patient()), readAs(b, patient())
		if q.err != nil || e.err != nil || !q.small() {
			t.Fatalf("%s: %v %v", name, q, e.err)
		}
		i := q.info
		if f := i.Complete(q.f, Average); f != q.f {
			t.Errorf("%s: completed without a picture", name)
		}
		if _, err := i.Thumbnail(); err == nil || i.Scene() != nil || i.Inner() != nil || i.Features() != nil {
			t.Errorf("%s: a scene, inner pictures, features or a thumbnail of a picture that was not read", name)
		}
		if n := len(i.RegionVariants()); n != len(e.info.RegionVariants()) {
			t.Errorf("%s: %d region codes before", name, n)
		}
		for range 2 { // the second time is none
			if err := i.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantLoaded(t, name, q.f, i, e)
		}
	}
}

func wantLoaded(t *testing.T, name string, f Fingerprint, i Info, e seenBy) {
	t.Helper()
	full := i.Complete(f, Average)
	want := e.info.Complete(e.f, Average)
	if full.words != want.words || full.has&^(hasTrimmed|hasSmooth) != want.has&^(hasTrimmed|hasSmooth)|fromQuery || full.frames != f.frames {
		t.Errorf("%s: completed to %v, want the words of %v", name, full, want)
	}
	for fr := range Frame(Frames) {
		if i.Box(fr) != e.info.Box(fr) {
			t.Errorf("%s: %v frame at %v, want %v", name, fr, i.Box(fr), e.info.Box(fr))
		}
	}
	a, errA := i.Thumbnail()
	b, errB := e.info.Thumbnail()
	if !bytes.Equal(a, b) || errA != nil || errB != nil {
		t.Errorf("%s: another thumbnail: %v, %v", name, errA, errB)
	}
	for what, same := range map[string]bool{
		"region codes":   slices.Equal(i.RegionVariants(), e.info.RegionVariants()),
		"features":       reflect.DeepEqual(i.Features(), e.info.Features()),
		"inner pictures": reflect.DeepEqual(i.Inner(), e.info.Inner()),
		"a scene":        i.Scene() != nil && reflect.DeepEqual(i.Scene(), e.info.Scene()),
	} {
		if !same {
			t.Errorf("%s: other %s than of Read", name, what)
		}
	}
}

// Load does nothing where there is nothing to do, and what fails leaves no trace.
func TestLoadThatDoesNothing(t *testing.T) {
	var h Hasher
	jacket := edit.JPEG(demoNamed(t, noBorder).img, 85)
	exact := h.seeAs(edit.PNG(demoNamed(t, noBorder).img), patient())
	for name, i := range map[string]Info{"read": readAs(jacket, patient()).info, "a PNG": exact.info, "nothing": {}} {
		was := i
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := i.Load(gone); err != nil || !reflect.DeepEqual(i, was) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{"cut off": jacket[:len(jacket)/2], "no picture": []byte("picture"), "none": nil} {
		i := h.seeAs(b, patient()).info
		if err := i.Load(t.Context()); err != nil || i.Scene() != nil || i.RegionVariants() != nil || !i.Box(Full).Empty() {
			t.Errorf("%s, unusable: %v", name, err)
		}
	}
	q := h.seeAs(jacket, patient())
	i := q.info
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.Load(gone); !errors.Is(err, context.Canceled) || !reflect.DeepEqual(i, q.info) {
		t.Errorf("cancelled: %v", err)
	}
	if err := i.Load(t.Context()); err != nil || i.Scene() == nil {
		t.Errorf("after a failure: %v", err)
	}
	// An exact reading that is too costly, or finds damage, is an error of Read.
	l := patient()
	l.MaxMemory = 4 << 20
	costly := h.seeAs(jacket, l)
	i = costly.info
	if reason, _ := IsUnusable(i.Load(t.Context())); costly.err != nil || reason != TooCostly || !reflect.DeepEqual(i, costly.info) {
		t.Errorf("too costly: %v, %q", costly.err, reason)
	}
}

// An Info that came with an error is about no usable picture: Load does nothing.
func TestLoadAfterAFailedQuery(t *testing.T) {
	b := edit.JPEG(imaging.Resize(demoNamed(t, noBorder).img, 800, 800, imaging.Linear), 85)
	var h Hasher
	_, i, err := h.Query(&fuse{t.Context(), 1}, b, patient())
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := i.Load(t.Context()); err != nil || i.Scene() != nil {
		t.Errorf("%v, a scene: %v", err, i.Scene() != nil)
	}
}
