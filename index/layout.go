package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/touchstone-go/touchstone/hash"
)

// The store, byte by byte. Every key and every value is made and read in this
// file. The first byte of a key is the table; integers are big-endian unless
// they are varints; "text" is a varint length and then UTF-8; a checksum is
// CRC-32C of all bytes before it (for rows that could be mistaken for one
// another, of the key as well).
//
//	key                       value
//	00                        header: magic "touchstone", format u16, recipe u16,
//	                          made by (text), checksum u32
//	01 bank u32               bank: version u8 (2), name, kind u8, owner, main hash u8,
//	                          policy (see appendPolicy), created i64, checksum
//	02 name                   bank u32
//	03 bank u32               references u64, searchable u64, sum u64, featured u64,
//	                          regions u64, sum of regions u64
//	10 bank u32 slot u64 C    empty; C is the search column: for PDQ banks a byte (bit 0:
//	                          a trimmed code follows, bit 1: a smooth one), the full
//	                          upright code (32), then those (32 each); for 64-bit banks
//	                          the byte 0 and the word (8)
//	11 slot u64               record: version u8 (1), bank u32, id, opinion u8, digest
//	                          (0, or 1 and 32 bytes), added i64 (Unix seconds), fingerprint
//	                          (varint length, binary form of package hash), sku, source,
//	                          note, made by, number of pairs varint, pairs by key,
//	                          checksum of key and value
//	12 bank u32 id            slot u64
//	13 digest 32 slot u64     empty
//	14 slot u64               features: version u8 (1), binary form of package hash,
//	                          checksum of key and value
//	15 slot u64               thumbnail, JPEG
//	16 bank u32 slot u64      codes of the regions of row 14, for the search: version u8 (1),
//	                          number u8, codes (32 each), checksum of key and value
//	20 seq u64                change: version u8 (2), operation u8, time i64, bank u32,
//	                          then by operation (see change.encode), checksum of key and value
//	21                        next slot u64, next sequence number u64
//
// The sum of row 03 is the sum modulo 2^64 of XXH64 of all column keys of the
// bank, that of regions the same of the keys and values of rows 16: adding and
// removing a reference changes it without reading the others, and it does not
// depend on their order. Featured counts rows 14, regions counts rows 16.
// References that are withdrawn have all rows but the columns 10 and 16. Codes
// are written most significant word first.
//
// Row 16 repeats what is in row 14 because a search needs all of it in memory: a
// kilobyte for each reference instead of twelve. It is a value and not, as row
// 10, a key: Badger keeps a key of each block in memory, and blocks are as long
// as four such keys.
//
// Worked example: the reference "bags/1.jpg" in bank 1 at slot 7, with the code
// 00...01 (quality 90), confirmed, added in second 1, digest unknown:
//
//	10 00000001 0000000000000007 00 00(31 times)01
//	11 0000000000000007
//	   = 01 00000001 0a 626167732f312e6a7067 01 00 0000000000000001
//	     23 02 01 5a 00(31 times)01 00 00 00 00 00 and the checksum
//	12 00000001 626167732f312e6a7067 = 0000000000000007
//
// Ledger of formats. The format says how bytes lie, the recipe what
// fingerprints mean; they change apart.
//
//	1  without rows 14 and 16; rows 01 and 20 have version 1, and their policies
//	   end after weak and advise; row 03 ends after the first sum
//	2  as above
//
// A store of format 1 is read, and written as format 1, until it is raised (see
// Index.Raise); then rows of format 1 stay where they are, but for row 03.

// format is the version of the layout of new stores, oldestFormat that of the
// oldest which can be read.
const (
	format       = 2
	oldestFormat = 1
)

const magic = "touchstone"

// The tables.
const (
	tabHeader    = 0x00
	tabBank      = 0x01
	tabName      = 0x02
	tabCount     = 0x03
	tabColumn    = 0x10
	tabRecord    = 0x11
	tabID        = 0x12
	tabDigest    = 0x13
	tabFeatures  = 0x14
	tabThumbnail = 0x15
	tabRegions   = 0x16
	tabChange    = 0x20
	tabNext      = 0x21
)

// Lengths of keys and of their parts.
const (
	columnHead    = 1 + 4 + 8
	regionsKeyLen = 1 + 4 + 8
	codeLen       = 32
	wordLen       = 8
)

// rowVersion is the first byte of records, features and regions, and of banks and
// changes of format 1; those of format 2 begin with policyVersion.
const (
	rowVersion    = 1
	policyVersion = 2
)

// versionOf is the first byte of the banks and changes of a format.
func versionOf(format uint16) byte { return byte(min(format, policyVersion)) }

var (
	headerKey = string([]byte{tabHeader})
	nextKey   = string([]byte{tabNext})
)

func bankKey(bank uint32) []byte  { return binary.BigEndian.AppendUint32([]byte{tabBank}, bank) }
func countKey(bank uint32) []byte { return binary.BigEndian.AppendUint32([]byte{tabCount}, bank) }
func nameKey(name string) []byte  { return append([]byte{tabName}, name...) }

func recordKey(slot uint64) []byte { return binary.BigEndian.AppendUint64([]byte{tabRecord}, slot) }
func thumbnailKey(slot uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{tabThumbnail}, slot)
}
func featuresKey(slot uint64) []byte { return binary.BigEndian.AppendUint64([]byte{tabFeatures}, slot) }
func regionsKey(bank uint32, slot uint64) []byte {
	b := make([]byte, 0, regionsKeyLen)
	b = binary.BigEndian.AppendUint32(append(b, tabRegions), bank)
	return binary.BigEndian.AppendUint64(b, slot)
}
func changeKey(seq uint64) []byte { return binary.BigEndian.AppendUint64([]byte{tabChange}, seq) }

func idKey(bank uint32, id string) []byte {
	b := make([]byte, 0, 5+len(id))
	b = binary.BigEndian.AppendUint32(append(b, tabID), bank)
	return append(b, id...)
}

func digestPrefix(d Digest) []byte {
	b := make([]byte, 0, 1+len(d)+8)
	return append(append(b, tabDigest), d[:]...)
}

func digestKey(d Digest, slot uint64) []byte {
	return binary.BigEndian.AppendUint64(digestPrefix(d), slot)
}

// column is what the search column holds of one reference.
type column struct {
	codes [hash.Frames]hash.Code // of PDQ banks, those that has says
	has   byte                   // bit f-1: the code of frame f beside the full one
	word  uint64                 // of 64-bit banks
}

// columnOf takes out of a fingerprint what a bank of the main hash k searches.
func columnOf(f hash.Fingerprint, k hash.Kind) (c column) {
	if k != hash.PDQ {
		c.word, _ = f.Word(k)
		return c
	}
	c.codes[hash.Full], _ = f.Code(hash.Full)
	for fr := hash.Trimmed; fr < hash.Frames; fr++ {
		if code, ok := f.Code(fr); ok {
			c.set(fr, code)
		}
	}
	return c
}

func (c *column) set(fr hash.Frame, code hash.Code) {
	c.codes[fr] = code
	c.has |= 1 << (fr - 1)
}

// more iterates over the frames beside the full one.
func (c *column) more(yield func(hash.Frame, hash.Code) bool) {
	for fr := hash.Trimmed; fr < hash.Frames; fr++ {
		if c.has>>(fr-1)&1 != 0 && !yield(fr, c.codes[fr]) {
			return
		}
	}
}

// len is the number of codes.
func (c *column) len() int { return 1 + bits.OnesCount8(c.has) }

// key returns the key of row 10.
func (c column) key(bank uint32, slot uint64, k hash.Kind) []byte {
	b := make([]byte, 0, columnHead+1+hash.Frames*codeLen)
	b = binary.BigEndian.AppendUint32(append(b, tabColumn), bank)
	b = binary.BigEndian.AppendUint64(b, slot)
	if k != hash.PDQ {
		return binary.BigEndian.AppendUint64(append(b, 0), c.word)
	}
	b = appendCode(append(b, c.has), c.codes[hash.Full])
	for _, code := range c.more {
		b = appendCode(b, code)
	}
	return b
}

// splitColumn reads bank and slot of a key of row 10, and leaves the codes to
// parseColumn, which needs to know the bank.
func splitColumn(key []byte) (bank uint32, slot uint64, codes []byte, ok bool) {
	if len(key) < columnHead+1 || key[0] != tabColumn {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint32(key[1:]), binary.BigEndian.Uint64(key[5:]), key[columnHead:], true
}

// parseColumn reads the part of a column key that follows the slot.
func parseColumn(b []byte, k hash.Kind) (c column, ok bool) {
	if k != hash.PDQ {
		if len(b) != 1+wordLen || b[0] != 0 {
			return c, false
		}
		c.word = binary.BigEndian.Uint64(b[1:])
		return c, true
	}
	has := b[0]
	if has >= 1<<(hash.Frames-1) || len(b) != 1+codeLen*(1+bits.OnesCount8(has)) {
		return c, false
	}
	c.codes[hash.Full] = readCode(b[1:])
	b = b[1+codeLen:]
	for fr := hash.Trimmed; fr < hash.Frames; fr++ {
		if has>>(fr-1)&1 != 0 {
			c.set(fr, readCode(b))
			b = b[codeLen:]
		}
	}
	return c, true
}

func appendCode(b []byte, c hash.Code) []byte {
	for i := len(c) - 1; i >= 0; i-- {
		b = binary.BigEndian.AppendUint64(b, c[i])
	}
	return b
}

func readCode(b []byte) (c hash.Code) {
	for i := range c {
		c[i] = binary.BigEndian.Uint64(b[8*(len(c)-1-i):])
	}
	return c
}

// header is row 00.
type header struct {
	format, recipe uint16
	madeBy         string
}

func (h header) encode() []byte {
	b := append([]byte(nil), magic...)
	b = binary.BigEndian.AppendUint16(b, h.format)
	b = binary.BigEndian.AppendUint16(b, h.recipe)
	return seal(appendText(b, h.madeBy), nil)
}

// decodeHeader refuses what is no store, or one of a format or recipe that is
// not known here. The magic and the two numbers are looked at before the
// checksum, because a future format may end differently.
func decodeHeader(b []byte) (h header, err error) {
	if len(b) < len(magic)+4 || string(b[:len(magic)]) != magic {
		return h, fmt.Errorf("no header of ours: %w", ErrFormat)
	}
	h.format = binary.BigEndian.Uint16(b[len(magic):])
	h.recipe = binary.BigEndian.Uint16(b[len(magic)+2:])
	if h.format < oldestFormat || h.format > format {
		return h, fmt.Errorf("format %d, this version knows formats %d to %d: %w", h.format, oldestFormat, format, ErrFormat)
	}
	if h.recipe < hash.OldestRecipe || h.recipe > hash.Recipe {
		return h, fmt.Errorf("references of recipe %d, this version knows recipes %d to %d: %w", h.recipe, hash.OldestRecipe, hash.Recipe, ErrRecipe)
	}
	r := open(b, nil)
	r.skip(len(magic) + 4)
	h.madeBy = r.text()
	return h, r.close("header")
}

// counts is row 03.
type counts struct {
	references, searchable, sum uint64
	featured                    uint64 // references with features
	regions, regionSum          uint64 // searchable ones of these
}

// fields are the numbers of row 03 in the given format.
func (c *counts) fields(format uint16) []*uint64 {
	all := []*uint64{&c.references, &c.searchable, &c.sum, &c.featured, &c.regions, &c.regionSum}
	if format == oldestFormat {
		return all[:3]
	}
	return all
}

func (c counts) encode(format uint16) (b []byte) {
	for _, n := range c.fields(format) {
		b = binary.BigEndian.AppendUint64(b, *n)
	}
	return b
}

func decodeCounts(format uint16, b []byte) (c counts, err error) {
	fields := c.fields(format)
	if len(b) != 8*len(fields) {
		return c, fmt.Errorf("counts of %d bytes: %w", len(b), ErrCorrupt)
	}
	for i, n := range fields {
		*n = binary.BigEndian.Uint64(b[8*i:])
	}
	return c, nil
}

func encodeNext(slot, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, slot), seq)
}

func decodeNext(b []byte) (slot, seq uint64, err error) {
	if len(b) != 16 {
		return 0, 0, fmt.Errorf("next numbers of %d bytes: %w", len(b), ErrCorrupt)
	}
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), nil
}

// Words that are written as one byte. The position is the byte, so these only
// ever grow at the end.
var (
	kindBytes    = []Kind{"", Genuine, Fake}
	opinionBytes = []Opinion{"", Confirmed, Seed, Disputed, Withdrawn}
	adviceBytes  = []Advice{"", Block, Review}
)

func wordByte[T comparable](words []T, w T) byte { return byte(max(slices.Index(words, w), 0)) }

func byteWord[T any](r *reader, words []T) (w T) {
	i := int(r.byte())
	if i == 0 || i >= len(words) {
		r.fail("unknown code %d", i)
		return w
	}
	return words[i]
}

// encodeBank is row 01.
func encodeBank(format uint16, bank uint32, b Bank, created time.Time) []byte {
	version := versionOf(format)
	v := appendText([]byte{version}, b.Name)
	v = appendText(append(v, wordByte(kindBytes, b.Kind)), b.Owner)
	v = append(v, byte(b.Main))
	v = appendPolicy(v, version, b.Policy)
	v = binary.BigEndian.AppendUint64(v, uint64(created.Unix()))
	return seal(v, bankKey(bank))
}

func decodeBank(bank uint32, v []byte) (b Bank, created time.Time, err error) {
	r := open(v, bankKey(bank))
	version := r.version(policyVersion)
	b.Name = r.text()
	b.Kind = byteWord(r, kindBytes)
	b.Owner = r.text()
	b.Main = hash.Kind(r.byte())
	b.Policy = r.policy(version)
	if version == rowVersion {
		b.Policy = b.Policy.ofHash(b.Main)
	}
	created = r.time()
	return b, created, r.close("bank")
}

// appendPolicy writes, in a row of version 2, strong, weak, those of regions and
// those of geometry, each as a varint, and advise u8. Version 1 has strong, weak
// and advise.
func appendPolicy(b []byte, version byte, p Policy) []byte {
	for _, n := range p.thresholds(version) {
		b = binary.AppendUvarint(b, uint64(*n))
	}
	return append(b, wordByte(adviceBytes, p.Advise))
}

func (p *Policy) thresholds(version byte) []*int {
	all := []*int{&p.Strong, &p.Weak, &p.RegionStrong, &p.RegionWeak, &p.GeometryStrong, &p.GeometryWeak}
	if version == rowVersion {
		return all[:2]
	}
	return all
}

// policy leaves the thresholds that version 1 does not have at 0.
func (r *reader) policy(version byte) (p Policy) {
	for _, n := range p.thresholds(version) {
		*n = int(r.uvarint(256))
	}
	p.Advise = byteWord(r, adviceBytes)
	return p
}

// encodeRecord is row 11. ref.Bank is not written: the number of the bank is.
func encodeRecord(bank uint32, slot uint64, ref Reference) []byte {
	fp, _ := ref.Fingerprint.MarshalBinary() // never fails
	b := make([]byte, 0, 64+len(ref.ID)+len(fp)+len(ref.SKU)+len(ref.Source)+len(ref.Note)+len(ref.MadeBy))
	b = binary.BigEndian.AppendUint32(append(b, rowVersion), bank)
	b = append(appendText(b, ref.ID), wordByte(opinionBytes, ref.Opinion))
	if ref.SHA256 == (Digest{}) {
		b = append(b, 0)
	} else {
		b = append(append(b, 1), ref.SHA256[:]...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(ref.AddedAt.Unix()))
	b = append(binary.AppendUvarint(b, uint64(len(fp))), fp...)
	for _, s := range []string{ref.SKU, ref.Source, ref.Note, ref.MadeBy} {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(ref.Meta)))
	for _, k := range slices.Sorted(maps.Keys(ref.Meta)) {
		b = appendText(appendText(b, k), ref.Meta[k])
	}
	return seal(b, recordKey(slot))
}

// decodeRecord reads row 11. The name of the bank is left to the caller.
func decodeRecord(slot uint64, v []byte) (bank uint32, ref Reference, err error) {
	r := open(v, recordKey(slot))
	r.version(rowVersion)
	bank = uint32(r.fixed(4))
	ref.ID = r.text()
	ref.Opinion = byteWord(r, opinionBytes)
	switch r.byte() {
	case 0:
	case 1:
		copy(ref.SHA256[:], r.take(len(ref.SHA256)))
		if ref.SHA256 == (Digest{}) {
			r.fail("a digest of zeros") // the form of none is 0
		}
	default:
		r.fail("unknown kind of digest")
	}
	ref.AddedAt = r.time()
	if fp := r.take(int(r.uvarint(uint64(len(v))))); r.err == nil {
		r.err = ref.Fingerprint.UnmarshalBinary(fp)
	}
	for _, s := range []*string{&ref.SKU, &ref.Source, &ref.Note, &ref.MadeBy} {
		*s = r.text()
	}
	ref.Meta = r.pairs()
	return bank, ref, r.close("record")
}

// pairs reads metadata. Only the order that encodeRecord writes is accepted, so
// that a record has one form.
func (r *reader) pairs() map[string]string {
	n := r.uvarint(uint64(len(r.b)))
	if n == 0 || r.err != nil {
		return nil
	}
	m := make(map[string]string)
	last := ""
	for i := range n {
		k := r.text()
		if i > 0 && k <= last {
			r.fail("metadata out of order")
		}
		if r.err != nil {
			return nil
		}
		last, m[k] = k, r.text()
	}
	return m
}

// encodeFeatures is row 14; body is the binary form of hash.Features.
func encodeFeatures(slot uint64, body []byte) []byte {
	b := make([]byte, 0, 1+len(body)+4)
	return seal(append(append(b, rowVersion), body...), featuresKey(slot))
}

// decodeFeatures reads row 14.
func decodeFeatures(slot uint64, v []byte) (*hash.Features, error) {
	r := open(v, featuresKey(slot))
	r.version(rowVersion)
	f := new(hash.Features)
	if body := r.take(len(r.b)); r.err == nil {
		r.err = f.UnmarshalBinary(body)
	}
	if err := r.close("features"); err != nil {
		return nil, err
	}
	return f, nil
}

// encodeRegions is row 16, of at most hash.MaxRegions codes.
func encodeRegions(bank uint32, slot uint64, codes []hash.Code) []byte {
	b := make([]byte, 0, 2+codeLen*len(codes)+4)
	b = append(b, rowVersion, byte(len(codes)))
	for _, c := range codes {
		b = appendCode(b, c)
	}
	return seal(b, regionsKey(bank, slot))
}

// splitRegions reads bank and slot of a key of row 16.
func splitRegions(key []byte) (bank uint32, slot uint64, ok bool) {
	if len(key) != regionsKeyLen || key[0] != tabRegions {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(key[1:]), binary.BigEndian.Uint64(key[5:]), true
}

// decodeRegions appends the codes of a row 16 to codes.
func decodeRegions(codes []hash.Code, key, v []byte) ([]hash.Code, error) {
	r := open(v, key)
	r.version(rowVersion)
	n := int(r.byte())
	if n > hash.MaxRegions {
		r.fail("%d regions, at most %d", n, hash.MaxRegions)
	}
	b := r.take(n * codeLen)
	if err := r.close("regions"); err != nil {
		return codes, err
	}
	for ; len(b) > 0; b = b[codeLen:] {
		codes = append(codes, readCode(b))
	}
	return codes, nil
}

// regionHash is what the row adds to the sum of row 03.
func regionHash(key, v []byte) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(key) // never fails
	_, _ = d.Write(v)
	return d.Sum64()
}

// seal appends the checksum of key and value.
func seal(b, key []byte) []byte { return binary.BigEndian.AppendUint32(b, checksum(b, key)) }

func checksum(b, key []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(0, table, key), table, b)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes a sealed value apart. The first fault stays; after it all parts
// are zero.
type reader struct {
	b   []byte
	err error
}

// open checks the checksum of a value that seal closed.
func open(b, key []byte) *reader {
	if len(b) < 4 {
		return &reader{err: fmt.Errorf("%d bytes", len(b))}
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if checksum(body, key) != sum {
		return &reader{err: errors.New("checksum differs")}
	}
	return &reader{b: body}
}

func (r *reader) fail(f string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(f, args...)
	}
}

// close reports the first fault, or bytes that are left over.
func (r *reader) close(what string) error {
	if len(r.b) > 0 {
		r.fail("%d bytes left over", len(r.b))
	}
	if r.err != nil {
		return fmt.Errorf("%s: %v: %w", what, r.err, ErrCorrupt)
	}
	return nil
}

// take returns the next n bytes, which belong to the value.
func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.fail("too short")
		return nil
	}
	t := r.b[:n]
	r.b = r.b[n:]
	return t
}

func (r *reader) skip(n int) { r.take(n) }

func (r *reader) byte() byte { return byte(r.fixed(1)) }

// fixed reads an integer of n bytes.
func (r *reader) fixed(n int) (v uint64) {
	for _, b := range r.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

// uvarint reads an integer of at most limit, in its shortest form.
func (r *reader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit || n > 1 && r.b[n-1] == 0 {
		r.fail("bad number")
	}
	r.take(max(n, 0))
	if r.err != nil {
		return 0
	}
	return v
}

func (r *reader) text() string { return string(r.take(int(r.uvarint(uint64(len(r.b)))))) }

func (r *reader) time() time.Time { return time.Unix(int64(r.fixed(8)), 0).UTC() }

// version reads the first byte of a row, of which latest is the newest kind.
func (r *reader) version(latest byte) byte {
	v := r.byte()
	if r.err == nil && (v < rowVersion || v > latest) {
		r.fail("version %d, want %d", v, latest)
	}
	return v
}
