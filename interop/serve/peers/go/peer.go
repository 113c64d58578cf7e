// The Go SDK. The argument is {url, fdv2, polling, context}; lines.mjs has the commands.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldlog"
	"github.com/launchdarkly/go-sdk-common/v3/ldreason"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	ld "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
)

type options struct {
	URL     string
	FDv2    bool
	Polling bool
	Context ldcontext.Context
}

type command struct {
	Do      string
	Context ldcontext.Context
	Flag    string
	Value   ldvalue.Value
	Times   int
	Event   string
}

type detail struct {
	Value     ldvalue.Value             `json:"value"`
	Variation ldvalue.OptionalInt       `json:"variation"`
	Reason    ldreason.EvaluationReason `json:"reason"`
}

type peer struct {
	client  *ld.LDClient
	context ldcontext.Context
}

func main() {
	// Ends this process after fifteen minutes, even if the driver was killed.
	time.AfterFunc(15*time.Minute, func() { log.Fatal("timeout") })
	var given options
	must(json.Unmarshal([]byte(os.Args[1]), &given))

	config := ld.Config{
		ServiceEndpoints: ldcomponents.RelayProxyEndpoints(given.URL),
		Logging:          ldcomponents.Logging().MinLevel(ldlog.Error),
	}
	if given.Polling {
		config.DataSource = ldcomponents.PollingDataSource()
	}
	if given.FDv2 {
		// The data system ignores `ServiceEndpoints`.
		config.DataSystem = ldcomponents.DataSystem().WithRelayProxyEndpoints(given.URL).Default()
	}
	client, err := ld.MakeCustomClient("sdk-key", config, time.Minute)
	must(err)

	answers := json.NewEncoder(os.Stdout)
	must(answers.Encode(struct{}{}))
	peer, lines := peer{client, given.Context}, bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked command
		must(json.Unmarshal(lines.Bytes(), &asked))
		must(answers.Encode(peer.answer(asked)))
	}
}

func (p peer) answer(asked command) any {
	switch asked.Do {
	case "values":
		return p.values(asked.Context)
	case "await":
		for !p.value(asked.Flag).Equal(asked.Value) {
			time.Sleep(2 * time.Millisecond)
		}
	case "evaluate":
		for range asked.Times {
			p.value(asked.Flag)
		}
	case "identify":
		must(p.client.Identify(asked.Context))
	case "track":
		must(p.client.TrackEvent(asked.Event, p.context))
	case "flush":
		p.client.Flush()
	}
	return struct{}{}
}

func (p peer) value(flag string) ldvalue.Value {
	value, _ := p.client.JSONVariation(flag, p.context, ldvalue.Null())
	return value
}

func (p peer) values(context ldcontext.Context) map[string]detail {
	found := make(map[string]detail)
	for flag := range p.client.AllFlagsState(context).ToValuesMap() {
		value, evaluated, _ := p.client.JSONVariationDetail(flag, context, ldvalue.Null())
		found[flag] = detail{value, evaluated.VariationIndex, evaluated.Reason}
	}
	return found
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
