// The Go SDK beside ours. bench/src/peers/mod.rs describes the argument and the output.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"os"
	"runtime"
	"time"

	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldlog"
	ldredis "github.com/launchdarkly/go-server-sdk-redis-redigo/v3"
	ld "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
)

type options struct {
	URL, Redis         string
	DataSystem, Events bool
	Contexts           []ldcontext.Context
	Flags              []string
	State              bool
	Warm, Seconds      float64
}

func (o options) config() ld.Config {
	config := ld.Config{
		ServiceEndpoints: ldcomponents.RelayProxyEndpoints(o.URL),
		Logging:          ldcomponents.Logging().MinLevel(ldlog.Error),
	}
	if !o.Events {
		config.Events = ldcomponents.NoEvents()
	}
	if o.DataSystem {
		// The data system ignores `ServiceEndpoints`.
		config.DataSystem = ldcomponents.DataSystem().WithRelayProxyEndpoints(o.URL).Default()
	}
	if o.Redis != "" {
		config.DataSource = ldcomponents.ExternalUpdatesOnly()
		config.DataStore = ldcomponents.PersistentDataStore(ldredis.DataStore().URL(o.Redis))
	}
	return config
}

func main() {
	// Ends this process after two minutes, even if the benchmark was killed.
	time.AfterFunc(2*time.Minute, func() { log.Fatal("timeout") })
	var given options
	must(json.Unmarshal([]byte(os.Args[1]), &given))
	input, output := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	write := func(line map[string]any) { must(output.Encode(line)) }

	write(map[string]any{"about": "Go SDK " + ld.Version + ", " + runtime.Version()})
	_, err := input.ReadString('\n')
	must(err)
	begun := time.Now()
	client, err := ld.MakeCustomClient("sdk-key", given.config(), time.Minute)
	must(err)
	write(map[string]any{"started": time.Since(begun).Seconds()})

	for _, flag := range given.Flags {
		answer, err := client.BoolVariation(flag, given.Contexts[0], false)
		must(err)
		line := given.measure(func(calls int) {
			at := 0
			for range calls {
				client.BoolVariation(flag, given.Contexts[at], false)
				if at++; at == len(given.Contexts) {
					at = 0
				}
			}
		})
		line["answer"] = answer
		write(line)
	}
	if given.State {
		line := given.measure(func(calls int) {
			for range calls {
				client.AllFlagsState(given.Contexts[0])
			}
		})
		line["answer"] = len(client.AllFlagsState(given.Contexts[0]).ToValuesMap())
		write(line)
	}
	_, err = io.Copy(io.Discard, input)
	must(err)
	must(client.Close())
}

// measure doubles the calls until they take as long as the warm-up, and then times as many as fit into
// the given seconds.
func (o options) measure(run func(calls int)) map[string]any {
	clock := func(calls int) float64 {
		begun := time.Now()
		run(calls)
		return time.Since(begun).Seconds()
	}
	calls, made, seconds := 1, 1, clock(1)
	for seconds < o.Warm {
		calls *= 2
		made += calls
		seconds = clock(calls)
	}
	calls = max(1, int(float64(calls)*o.Seconds/seconds))
	return map[string]any{"calls": calls, "made": made + calls, "seconds": clock(calls)}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
