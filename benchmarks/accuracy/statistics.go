package main

import (
	"cmp"
	"math"
	"slices"
)

// rate is a count and its share, with a 95 % interval.
type rate struct {
	Count int     `json:"count"`
	Of    int     `json:"of"`
	Share float64 `json:"share"` // 0 if nothing was counted
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// rateOf gives the interval by E. B. Wilson, "Probable inference, the law of
// succession, and statistical inference", 1927: unlike the textbook one it is
// right for counts of nothing and of all.
func rateOf(k, n int) rate {
	if n == 0 {
		return rate{High: 1}
	}
	const z = 1.959964 // 97.5 % of a normal distribution lie below
	p, m := float64(k)/float64(n), float64(n)
	centre := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return rate{Count: k, Of: n, Share: rounded(p), Low: rounded(max(0, centre-half)), High: rounded(centre + half)}
}

// rounded leaves six decimals: files are shorter, and all of all is 1.
func rounded(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// count makes a rate of the answers for which a condition holds.
func count[T any](list []T, holds func(T) bool) rate {
	k := 0
	for _, v := range list {
		if holds(v) {
			k++
		}
	}
	return rateOf(k, len(list))
}

// grades are the rates of two grades.
type grades struct {
	Strong rate `json:"strong"` // or exact
	Any    rate `json:"any"`
}

func gradesOf(list []answer, of func(answer) grade) grades {
	return grades{
		Strong: count(list, func(a answer) bool { return of(a) >= strong }),
		Any:    count(list, func(a answer) bool { return of(a) >= weak }),
	}
}

// microAP is micro average precision as in Douze et al., "The 2021 Image
// Similarity Dataset and Challenge" (DISC21): the best hits of all queries,
// positive and negative, are put into one list by descending score, and
//
//	microAP = sum over i of precision(i) * (recall(i) - recall(i-1))
//
// where precision(i) is the share of right hits among the first i, and recall(i)
// the number of right hits among them divided by that of positive queries. Hits
// of equal score are taken in one step, so that their order does not matter.
// Queries without a hit are not in the list.
func microAP(answers []answer, m method, positives int) float64 {
	hits := slices.DeleteFunc(slices.Clone(answers), func(a answer) bool { return !a.by[m].ranked })
	slices.SortFunc(hits, func(a, b answer) int { return cmp.Compare(b.by[m].score, a.by[m].score) })
	if positives == 0 {
		return 0
	}
	ap, right := 0.0, 0
	for i := 0; i < len(hits); {
		before := right
		score := hits[i].by[m].score
		for ; i < len(hits) && hits[i].by[m].score == score; i++ {
			if hits[i].by[m].first {
				right++
			}
		}
		ap += float64(right) / float64(i) * float64(right-before) / float64(positives)
	}
	return ap
}
