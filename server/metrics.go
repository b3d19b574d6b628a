package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/touchstone-go/touchstone/index"
)

// metrics has a registry of its own, so that a program may hold several
// servers. Labels only take words of this package and the names of existing
// banks: nothing that a stranger sends becomes a label.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	verdicts *prometheus.CounterVec
	unusable *prometheus.CounterVec
	refusals *prometheus.CounterVec
	inFlight prometheus.Gauge
}

func newMetrics(ix *index.Index) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("touchstone_http_requests_total", "Requests answered.", "route", "method", "code"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchstone_http_request_duration_seconds", Help: "Time from the headers to the answer.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30},
		}, []string{"route"}),
		verdicts: counter("touchstone_verdicts_total", "Verdicts by outcome and mode.", "outcome", "mode"),
		unusable: counter("touchstone_unusable_total", "Pictures that could not be used, by reason.", "reason"),
		refusals: counter("touchstone_admission_refusals_total", "Requests refused for want of a slot, a place in the queue, time or memory.", "cause"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "touchstone_http_requests_in_flight", Help: "Requests being answered."}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.verdicts, m.unusable, m.refusals, m.inFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newBankCollector(ix),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "touchstone_index_sequence_number", Help: "Sequence number of the last change that queries see.",
		}, func() float64 { return float64(ix.Seq()) }))
	return m
}

// watch adds what the admission holds.
func (m *metrics) watch(a *admission) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "touchstone_body_bytes", Help: "Memory held for request bodies, in bytes.",
		}, func() float64 { return float64(a.held()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "touchstone_reply_bytes", Help: "Memory held for long answers, in bytes.",
		}, func() float64 { return float64(a.replies.held.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "touchstone_slots_in_use", Help: "Pictures being worked on.",
		}, func() float64 { return float64(len(a.slots)) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "touchstone_queue_length", Help: "Requests waiting for a slot.",
		}, func() float64 { return float64(a.waiting.Load()) }))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) refused(cause string) { m.refusals.WithLabelValues(cause).Inc() }

func (m *metrics) request(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

func (m *metrics) verdict(v index.Verdict) {
	m.verdicts.WithLabelValues(string(v.Outcome), string(v.Mode)).Inc()
	if v.Outcome == index.Unusable {
		m.unusable.WithLabelValues(string(v.Reason)).Inc()
	}
}

// bankCollector reads the banks when it is asked.
type bankCollector struct {
	ix                              *index.Index
	searchable, featured            *prometheus.Desc
	codes, dead, unindexed, inBytes *prometheus.Desc
}

func newBankCollector(ix *index.Index) *bankCollector {
	gauge := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"bank", "kind"}, nil)
	}
	return &bankCollector{
		ix:         ix,
		searchable: gauge("touchstone_references", "References that can match, by bank."),
		featured:   gauge("touchstone_featured_references", "References that have features, by bank."),
		codes:      gauge("touchstone_codes", "Codes of whole pictures that are searched, by bank."),
		dead:       gauge("touchstone_dead_codes", "Codes of removed references that are still in memory, by bank."),
		unindexed:  gauge("touchstone_unindexed_codes", "Codes that have no index yet and are scanned, by bank."),
		inBytes:    gauge("touchstone_codes_bytes", "Memory of codes and their indexes, in bytes, by bank."),
	}
}

// Describe implements prometheus.Collector.
func (c *bankCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.searchable, c.featured, c.codes, c.dead, c.unindexed, c.inBytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. A closed index has no banks.
func (c *bankCollector) Collect(ch chan<- prometheus.Metric) {
	banks, err := c.ix.Banks(context.Background())
	if err != nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, name string, k index.Kind) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, name, string(k))
	}
	for _, b := range banks {
		gauge(c.searchable, float64(b.Searchable), b.Name, b.Kind)
		gauge(c.featured, float64(b.Featured), b.Name, b.Kind)
	}
	memory, err := c.ix.Memory()
	if err != nil {
		return
	}
	for _, m := range memory {
		gauge(c.codes, float64(m.Codes), m.Bank, m.Kind)
		gauge(c.dead, float64(m.Dead), m.Bank, m.Kind)
		gauge(c.unindexed, float64(m.Unindexed), m.Bank, m.Kind)
		gauge(c.inBytes, float64(m.Bytes), m.Bank, m.Kind)
	}
}
