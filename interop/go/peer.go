// The Go SDK under the control of a test:
//
//	peer DATABASE read QUESTIONS
//
// evaluates in daemon mode and prints the results. The arguments are those of peer.py.
package main

import (
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldlog"
	"github.com/launchdarkly/go-sdk-common/v3/ldreason"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	lddynamodb "github.com/launchdarkly/go-server-sdk-dynamodb/v4"
	ldredis "github.com/launchdarkly/go-server-sdk-redis-redigo/v3"
	ld "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
	"github.com/launchdarkly/go-server-sdk/v7/subsystems"
)

type database struct {
	Redis, Endpoint, Table, Prefix string
}

type questions struct {
	Contexts []ldcontext.Context
	Flags    []string
}

type detail struct {
	Value          ldvalue.Value             `json:"value"`
	VariationIndex ldvalue.OptionalInt       `json:"variationIndex"`
	Reason         ldreason.EvaluationReason `json:"reason"`
}

func (d database) store() subsystems.ComponentConfigurer[subsystems.PersistentDataStore] {
	if d.Redis != "" {
		return ldredis.DataStore().URL(d.Redis).Prefix(d.Prefix)
	}
	options := dynamodb.Options{
		EndpointResolver: dynamodb.EndpointResolverFromURL(d.Endpoint),
		Region:           "eu-central-1",
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	return lddynamodb.DataStore(d.Table).Prefix(d.Prefix).DynamoClient(dynamodb.New(options))
}

func main() {
	// Ends this process after two minutes, even if the test was killed.
	time.AfterFunc(2*time.Minute, func() { log.Fatal("timeout") })
	var from database
	var asked questions
	must(json.Unmarshal([]byte(os.Args[1]), &from))
	must(json.Unmarshal([]byte(os.Args[3]), &asked))

	config := ld.Config{
		DataSource: ldcomponents.ExternalUpdatesOnly(),
		DataStore:  ldcomponents.PersistentDataStore(from.store()).NoCaching(),
		Events:     ldcomponents.NoEvents(),
		Logging:    ldcomponents.Logging().MinLevel(ldlog.Error),
	}
	client, err := ld.MakeCustomClient("sdk-key", config, time.Minute)
	must(err)

	details := make([]map[string]detail, 0, len(asked.Contexts))
	for _, context := range asked.Contexts {
		found := make(map[string]detail)
		for _, flag := range asked.Flags {
			value, evaluated, _ := client.JSONVariationDetail(flag, context, ldvalue.String("default"))
			found[flag] = detail{value, evaluated.VariationIndex, evaluated.Reason}
		}
		details = append(details, found)
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"details": details}))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
