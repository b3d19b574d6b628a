package hash

// stepClassCount is the number of classes of steps.
const stepClassCount = 10

// A run is invisible if its step is of class flatStep or lower and those around
// it of flatAround or lower.
const (
	flatStep   = 1
	flatAround = 3
)

// innerScores is, for the class of a run's step and the larger class of the
// steps two pixels before and after it, 8 times the binary logarithm of how
// much more often the pair occurs on the edges of an inserted photo than
// anywhere in pictures that hold one, within [-24, 16]. Counted on 142 photos,
// each in three or four of seven kinds of page (borders plain, blurred and
// patterned, shop pages, chats, grids, scenes) drawn at random, saved as JPEG
// of quality 50 to 92. The lower limit, and -8 where both classes are low, are
// there because neighbouring runs are not independent.
var innerScores = [stepClassCount][stepClassCount]int8{
	{-8, -8, -8, -16, -16, -24, -24, -24, -24, -24},
	{-8, -8, -8, -16, -16, -24, -24, -24, -24, -24},
	{-8, -8, -8, -24, -24, -24, -24, -24, -24, -24},
	{0, -3, -16, -21, -24, -24, -24, -24, -24, -24},
	{14, 14, 5, -5, -23, -24, -24, -24, -24, -23},
	{16, 16, 16, 8, -6, -21, -21, -22, -18, -12},
	{16, 16, 16, 16, 13, -1, -17, -19, -16, -7},
	{16, 16, 16, 16, 16, 15, 2, -10, -6, 2},
	{16, 16, 16, 16, 16, 16, 16, 11, 3, 11},
	{16, 16, 16, 16, 16, 16, 16, 16, 16, 16},
}
