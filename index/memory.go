package index

// BankMemory is what the codes of whole pictures of a bank take in memory.
// Regions and local features are not in it: see the package's documentation for
// what these take.
type BankMemory struct {
	Bank string
	Kind Kind
	// Codes are those of living references, one to three for each; Dead are codes
	// of removed ones that are not freed yet; Unindexed, of both, are those that
	// have no index yet and are scanned by every search.
	Codes, Dead, Unindexed int
	Bytes                  int64 // of codes, tags and indexes
}

// Memory describes all banks, ordered by name. It takes microseconds. It fails
// with ErrClosed alone.
func (x *Index) Memory() ([]BankMemory, error) {
	s := x.acquire()
	if s == nil {
		return nil, ErrClosed
	}
	defer s.release()
	all := make([]BankMemory, len(s.banks))
	for i, b := range s.banks {
		set := b.codes.Stats()
		all[i] = BankMemory{
			Bank: b.Name, Kind: b.Kind,
			Codes: set.Codes, Dead: set.Dead, Unindexed: set.Tail, Bytes: set.Bytes,
		}
	}
	return all, nil
}
