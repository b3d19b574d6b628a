package index

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-go/touchstone/hash"
)

// example is the worked example at the head of layout.go.
var example = Reference{
	Bank: "fakes", ID: "bags/1.jpg", Fingerprint: hash.FromPDQ(hash.Code{1}, 90),
	Opinion: Confirmed, AddedAt: time.Unix(1, 0).UTC(),
}

// TestLayout holds the bytes of the format fast. If it fails, stores that exist
// cannot be read any more: make a new format instead.
func TestLayout(t *testing.T) {
	code := strings.Repeat("00", 31) + "01"
	full := example
	full.SHA256, full.SKU, full.Source, full.Note, full.MadeBy = Digest{0xff}, "k", "s", "n", "m"
	full.Meta = map[string]string{"b": "2", "a": "1"}
	full.Opinion = Withdrawn
	word := hash.FromWord(hash.Difference, 0x0102)
	bank := Bank{Name: "b", Kind: Fake, Owner: "o", Main: hash.PDQ, Policy: Policy{31, 46, 28, 36, 100, 60, Block}}
	for _, c := range []struct {
		what string
		got  []byte
		want string
	}{
		{"header", header{1, 1, "x"}.encode(), "746f75636873746f6e65 0001 0001 01 78 793cc596"},
		{"bank of format 1", encodeBank(1, 1, bank, time.Unix(1, 0)), "01 01 62 02 01 6f 01 1f 2e 01 0000000000000001 0af6799c"},
		{"bank", encodeBank(2, 1, bank, time.Unix(1, 0)), "02 01 62 02 01 6f 01 1f 2e 1c 24 64 3c 01 0000000000000001 c5ea5dd3"},
		{"name", nameKey("b"), "02 62"},
		{"counts of format 1", counts{1, 2, 3, 4, 5, 6}.encode(1), "0000000000000001 0000000000000002 0000000000000003"},
		{"counts", counts{1, 2, 3, 4, 5, 6}.encode(2), "0000000000000001 0000000000000002 0000000000000003 0000000000000004 0000000000000005 0000000000000006"},
		{"column", columnOf(example.Fingerprint, hash.PDQ).key(1, 7, hash.PDQ), "10 00000001 0000000000000007 00" + code},
		{"column of two", columnOf(hash.FromCodes(hash.Code{1}, hash.Code{0, 0, 0, 2 << 56}, 90), hash.PDQ).key(1, 7, hash.PDQ),
			"10 00000001 0000000000000007 01" + code + "02" + strings.Repeat("00", 31)},
		{"column of three", columnOf(hash.FromCodes(hash.Code{1}, hash.Code{2}, 90).With(hash.Smooth, hash.Code{3}), hash.PDQ).key(1, 7, hash.PDQ),
			"10 00000001 0000000000000007 03" + code + strings.Repeat("00", 31) + "02" + strings.Repeat("00", 31) + "03"},
		{"column of a word", columnOf(word, hash.Difference).key(1, 7, hash.Difference), "10 00000001 0000000000000007 00 0000000000000102"},
		{"record", encodeRecord(1, 7, example), "01 00000001 0a 626167732f312e6a7067 01 00 0000000000000001 23 02 01 5a" + code + "00 00 00 00 00 47335b5a"},
		{"full record", encodeRecord(1, 7, full), "01 00000001 0a 626167732f312e6a7067 04 01 ff" + strings.Repeat("00", 31) +
			"0000000000000001 23 02 01 5a" + code + "01 6b 01 73 01 6e 01 6d 02 01 61 01 31 01 62 01 32 23be23ce"},
		{"id", idKey(1, example.ID), "12 00000001 626167732f312e6a7067"},
		{"digest", digestKey(Digest{0xff}, 7), "13 ff" + strings.Repeat("00", 31) + "0000000000000007"},
		{"features", featuresKey(7), "14 0000000000000007"},
		{"value of features", encodeFeatures(7, []byte("abc")), "01 616263 5f186102"},
		{"thumbnail", thumbnailKey(7), "15 0000000000000007"},
		{"regions", regionsKey(1, 7), "16 00000001 0000000000000007"},
		{"value of regions", encodeRegions(1, 7, []hash.Code{{1}, {2}}), "01 02" + code + strings.Repeat("00", 31) + "02 1dd524ac"},
		{"added, format 1", (&Change{Seq: 3, Op: Added, Time: time.Unix(1, 0), Slots: []SlotRange{{7, 2}, {300, 1}}}).encode(1, 1),
			"01 03 0000000000000001 00000001 02 07 02 ac02 01 199b791e"},
		{"opinion, format 1", (&Change{Seq: 3, Op: OpinionChanged, Time: time.Unix(1, 0), ID: "a", Slot: 9, Was: 7, Opinion: Seed}).encode(1, 1),
			"01 06 0000000000000001 00000001 01 61 0000000000000009 0000000000000007 02 3e60d63c"},
		{"features added", (&Change{Seq: 3, Op: FeaturesAdded, Time: time.Unix(1, 0), Slots: []SlotRange{{7, 2}}}).encode(2, 1),
			"02 07 0000000000000001 00000001 01 07 02 a6fb7bcb"},
		{"recipe raised", (&Change{Seq: 3, Op: RecipeRaised, Time: time.Unix(1, 0), Recipe: 2}).encode(2, 0),
			"02 08 0000000000000001 00000000 02 f34d5424"},
		{"next", encodeNext(8, 4), "0000000000000008 0000000000000004"},
	} {
		if got, want := hex.EncodeToString(c.got), strings.ReplaceAll(c.want, " ", ""); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.what, got, want)
		}
	}
}

func TestHeaderRefusals(t *testing.T) {
	for _, c := range []struct {
		what string
		h    header
		want error
	}{
		{"ours", header{format, hash.Recipe, "x"}, nil},
		{"the first", header{1, 1, "x"}, nil},
		{"no format", header{0, 1, ""}, ErrFormat},
		{"no recipe", header{1, 0, ""}, ErrRecipe},
		{"future format", header{format + 1, hash.Recipe, ""}, ErrFormat},
		{"other recipe", header{format, hash.Recipe + 1, ""}, ErrRecipe},
	} {
		if _, err := decodeHeader(c.h.encode()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	damaged := header{format, hash.Recipe, "x"}.encode()
	damaged[len(magic)+5]++
	if _, err := decodeHeader(damaged); !errors.Is(err, ErrCorrupt) {
		t.Errorf("damaged: %v", err)
	}
	if _, err := decodeHeader([]byte("something else altogether")); !errors.Is(err, ErrFormat) {
		t.Errorf("foreign: %v", err)
	}
}

// FuzzRecord: no bytes panic, and what is accepted has one form only.
func FuzzRecord(f *testing.F) {
	full := example
	full.SHA256, full.Meta = Digest{1}, map[string]string{"a": "1", "b": "2"}
	f.Add(uint64(7), encodeRecord(1, 7, example))
	f.Add(uint64(7), encodeRecord(1, 7, full))
	f.Add(uint64(0), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, slot uint64, v []byte) {
		// The checksum would stop nearly all of what the fuzzer makes.
		if len(v) >= 4 {
			v = seal(bytes.Clone(v[:len(v)-4]), recordKey(slot))
		}
		bank, ref, err := decodeRecord(slot, v)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v, want ErrCorrupt", err)
			}
			return
		}
		if again := encodeRecord(bank, slot, ref); !bytes.Equal(again, v) {
			t.Errorf("read %x, wrote %x", v, again)
		}
	})
}

// FuzzColumnKey: no key panics, and what is accepted is written back the same.
func FuzzColumnKey(f *testing.F) {
	f.Add(columnOf(example.Fingerprint, hash.PDQ).key(1, 7, hash.PDQ), byte(hash.PDQ))
	f.Add(columnOf(hash.FromCodes(hash.Code{1}, hash.Code{2}, 90), hash.PDQ).key(1, 7, hash.PDQ), byte(hash.PDQ))
	f.Add(columnOf(hash.FromWord(hash.Average, 5), hash.Average).key(1, 7, hash.Average), byte(hash.Average))
	f.Fuzz(func(t *testing.T, key []byte, kind byte) {
		bank, slot, codes, ok := splitColumn(key)
		if !ok {
			return
		}
		col, ok := parseColumn(codes, hash.Kind(kind))
		if !ok {
			return
		}
		if again := col.key(bank, slot, hash.Kind(kind)); !bytes.Equal(again, key) {
			t.Errorf("read %x, wrote %x", key, again)
		}
	})
}

func TestChangeRoundTrip(t *testing.T) {
	for _, c := range []Change{
		{Op: BankCreated, Policy: Policy{1, 2, 3, 4, 6, 5, Block}},
		{Op: PolicySet, Policy: Policy{1, 2, 3, 4, 6, 5, Review}},
		{Op: Added, Slots: []SlotRange{{1, 2}, {9, 1}}},
		{Op: FeaturesAdded, Slots: []SlotRange{{1, 2}, {9, 1}}},
		{Op: RecipeRaised, Recipe: 2},
		{Op: Replaced, ID: "a", Slot: 2, Was: 1},
		{Op: Removed, ID: "a", Was: 1},
		{Op: OpinionChanged, ID: "a", Slot: 3, Was: 1, Opinion: Disputed},
	} {
		c.Seq, c.Time = 5, start
		v := c.encode(format, 4)
		bank, got, err := decodeChange(5, v)
		if err != nil || bank != 4 || !reflect.DeepEqual(got, c) {
			t.Errorf("got %v (%v), want %v", got, err, c)
		}
		if _, _, err := decodeChange(6, v); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s under another key: %v", c.Op, err)
		}
		for i := range v {
			d := bytes.Clone(v)
			d[i] ^= 0x10
			if _, _, err := decodeChange(5, d); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s with byte %d changed: %v", c.Op, i, err)
			}
		}
	}
}

// FuzzFeatureRows: no bytes panic, and what is accepted has one form only.
func FuzzFeatureRows(f *testing.F) {
	for _, of := range someFeatures(f) {
		packed, err := packed(of)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint64(7), encodeFeatures(7, packed.body))
		f.Add(uint64(7), encodeRegions(1, 7, packed.regions))
	}
	f.Add(uint64(0), encodeRegions(1, 0, nil))
	f.Fuzz(func(t *testing.T, slot uint64, v []byte) {
		// The checksum would stop nearly all of what the fuzzer makes.
		body := bytes.Clone(v[:max(0, len(v)-4)])
		row := seal(bytes.Clone(body), regionsKey(1, slot))
		if codes, err := decodeRegions(nil, regionsKey(1, slot), row); err == nil {
			if again := encodeRegions(1, slot, codes); !bytes.Equal(again, row) {
				t.Errorf("regions: read %x, wrote %x", row, again)
			}
		} else if !errors.Is(err, ErrCorrupt) {
			t.Errorf("regions: %v, want ErrCorrupt", err)
		}
		row = seal(body, featuresKey(slot))
		features, err := decodeFeatures(slot, row)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("features: %v, want ErrCorrupt", err)
			}
			return
		}
		packed, err := packed(features)
		if err != nil || len(packed.regions) > hash.MaxRegions {
			t.Fatalf("%d regions, %v", len(packed.regions), err)
		}
		if again := encodeFeatures(slot, packed.body); !bytes.Equal(again, row) {
			t.Errorf("features: read %x, wrote %x", row, again)
		}
	})
}
