// The same families with the usual client library, to measure against: const metrics made anew at
// each scrape, as most exporters do.
package main

import (
	"flag"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const gauges = 23

type agents struct {
	ids    []string
	descs  []*prometheus.Desc
	info   *prometheus.Desc
	values [gauges]float64
}

func (a *agents) Describe(out chan<- *prometheus.Desc) {
	out <- a.info
	for _, desc := range a.descs {
		out <- desc
	}
}

func (a *agents) Collect(out chan<- prometheus.Metric) {
	for number, id := range a.ids {
		name := fmt.Sprintf("客服 %d", number)
		out <- prometheus.MustNewConstMetric(a.info, prometheus.GaugeValue, 1, id, name)
		for index, desc := range a.descs {
			value := float64((number*7919 + index*104729) % 5000)
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, id)
		}
	}
}

func main() {
	count := flag.Int("agents", 100, "how many agents")
	address := flag.String("address", "127.0.0.1:10142", "where to serve")
	flag.Parse()
	collector := &agents{info: desc("info", "nickname")}
	for index := 0; index < gauges; index++ {
		collector.descs = append(collector.descs, desc(fmt.Sprintf("some_measured_quantity_%02d", index)))
	}
	for number := 0; number < *count; number++ {
		collector.ids = append(collector.ids, fmt.Sprintf("agent-%05d@desk.example", number))
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	options := promhttp.HandlerOpts{EnableOpenMetrics: true}
	http.Handle("/metrics", promhttp.HandlerFor(registry, options))
	panic(http.ListenAndServe(*address, nil))
}

func desc(name string, labels ...string) *prometheus.Desc {
	help := "A figure of Desk's present day, from its start until the last good poll."
	return prometheus.NewDesc("tencent_desk_agent_"+name, help, append([]string{"agent_id"}, labels...), nil)
}
