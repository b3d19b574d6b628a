// Package index is an embedded matcher for photos: it keeps the fingerprints
// of photos that are known to be genuine or known to be fake, and says whether
// a picture was seen before.
//
// Three names are enough to begin: [Open] a store, [Index.Register] reference
// photos in banks ([Index.CreateBank]), [Index.Judge] pictures. A [Verdict]
// says that a photo was seen before, never that a product is genuine.
//
// # Guarantees
//
//   - Search is exact: the result is that of comparing with every reference
//     (NearOptions.Exhaustive does), also while an index is built.
//   - A write that has returned is durable (synced) and seen by every query that
//     begins afterwards, from whatever goroutine. A removed reference never
//     matches again. Nothing is seen half.
//   - A query works on the state of one moment, on disk as in memory, whose
//     sequence number ([Index.Seq]) a verdict carries. Queries never wait for
//     writers.
//   - A damaged store is refused (ErrCorrupt) instead of matching less: the
//     checksums of all tables are verified by Open, each bank's number of
//     references and a sum over them are compared when its search column is read,
//     the last sequence number with that at the last Close, each record with its
//     search column when it is shown. Where a search file takes the place of the
//     column, it has a checksum of its own and names the state that it is of.
//     [Index.Check] compares all, the column included.
//   - All errors are those of this package, of package hash, of the caller's
//     context and reader, and of the operating system. Badger's are quoted, not
//     wrapped.
//
// # How it works
//
// References lie in Badger, byte by byte as the head of layout.go tells. Open
// reads the search columns into memory: 8 bytes for a reference, 36 for each of its
// codes (one to three), and 34 for each of up to 32 regions. It returns when these
// can be scanned; an index of the codes is built behind (upkeep.go,
// [Index.Settled]) and takes 50 to 60 bytes more for each code. From 262,144 codes
// on Close keeps codes and indexes in the file SEARCH (searchfile.go), and the next
// Open takes that instead of the columns if the store has not changed since. The
// file may be deleted at any time, and a copy of the store needs none.
//
// A search finds the references near a picture in the index (codes.go, near.go),
// scans the regions (region.go), then reads the records of the best hits;
// [Index.Trace] says what it compares, [Index.Memory] what the codes take. That is
// mode [Fast]. Mode [Thorough] then reads the features of candidates and aligns
// them with the picture (thorough.go).
//
// In mode Fast a JPEG is decoded at a fraction of its size ([hash.Hasher]). Only if that
// seems to match, or if a bank's main hash is one of goimagehash's, it is read exactly,
// and judged by what is found then; if it cannot be (its full size would take too much
// memory or time, or it is damaged where the small picture does not show it), it is
// unusable. In mode Thorough it is read exactly at once. So are references.
//
// A reference is found by a [Check]: the same file, the hash of the whole, the
// hash of a region, or the geometry of local features. A bank's [Policy] has
// thresholds for each, a [Match] says which one decided and carries the evidence
// of all, and [Replay] decides again from it.
//
// Stores of recipe 1 have no features. They are opened, searched in mode Fast and
// written as what they are, until [Index.Raise]; [Index.Complete] adds the
// features of a reference from its photo.
//
// One goroutine writes (writer.go): it gathers the requests that wait, commits
// them in one synced transaction, publishes a new snapshot (snapshot.go) and
// answers. Another one rebuilds indexes; nobody waits for it. Every change is an
// entry in an ordered journal ([Index.Changes]).
//
// Figures are in the README, and how they came about in benchmarks/results.
//
// # Caveats
//
//   - One process at a time may open a store for writing; another gets
//     ErrLocked. Several may open it read-only, after a clean Close.
//   - Writes to one bank are as fast as writes to many: there is one writer.
//     A thousand concurrent Register calls share commits; one caller that
//     registers one photo after the other waits for the disk each time.
//   - An iterator ([Index.References], [Index.Changes]) holds its snapshot until
//     the loop ends, and Close waits for it.
//   - 64-bit systems only: Open fails on others.
//   - When an index of more than a million codes was built, the memory that became
//     free is given back to the system (debug.FreeOSMemory). That is a full
//     collection of the whole program's heap.
//   - The journal is kept whole, and a bank cannot be deleted.
//   - A disk that fills up kills the process inside Badger. Free space is
//     looked at before each commit (Options.MinFree); what other processes write
//     in the same second is not seen.
//   - Badger forgets its newest changes if its MANIFEST or its log lost their
//     end. That is noticed by the file SEQUENCE, which each commit writes but
//     only Close syncs: after a failure of power it may be too old to notice.
package index
