// Oracle says what an API server's own CEL library makes of expressions: one JSON object a line in,
// {"expr": "…", "object": {…}}, one a line out, with the value, the error or the refusal, and the cost.
//
//	cd deploy/localkube && go run ../../plugins/cel/testdata/oracle.go < expressions.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
)

type question struct {
	Expr   string         `json:"expr"`
	Object map[string]any `json:"object"`
}

type answer struct {
	Expr    string  `json:"expr"`
	Value   string  `json:"value,omitempty"`
	Error   string  `json:"error,omitempty"`
	Refused string  `json:"refused,omitempty"`
	Cost    *uint64 `json:"cost,omitempty"`
}

func main() {
	set, err := environment.MustBaseEnvSet(version.MajorMinor(1, 36)).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions: []cel.EnvOption{
			cel.Variable("object", cel.DynType),
			cel.Variable("oldObject", cel.DynType),
			cel.Variable("params", cel.DynType),
		}})
	if err != nil {
		panic(err)
	}
	env := set.NewExpressionsEnv()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		if err := out.Encode(ask(env, q)); err != nil {
			panic(err)
		}
	}
}

func ask(env *cel.Env, q question) answer {
	a := answer{Expr: q.Expr}
	ast, issues := env.Compile(q.Expr)
	if issues.Err() != nil {
		a.Refused = strings.TrimPrefix(strings.SplitN(issues.Err().Error(), "\n", 2)[0], "ERROR: <input>:")
		return a
	}
	program, err := env.Program(ast, cel.InterruptCheckFrequency(100))
	if err != nil {
		a.Refused = err.Error()
		return a
	}
	value, details, err := program.Eval(map[string]any{"object": whole(q.Object), "oldObject": nil, "params": nil})
	a.Cost = details.ActualCost()
	if err != nil {
		a.Error = err.Error()
	} else {
		a.Value = show(value)
	}
	return a
}

// Whole makes the numbers of JSON what they are on an API server: whole ones are int64.
func whole(v any) any {
	switch t := v.(type) {
	case float64:
		if t == float64(int64(t)) {
			return int64(t)
		}
	case map[string]any:
		if t == nil {
			return nil
		}
		for key, each := range t {
			t[key] = whole(each)
		}
	case []any:
		for i, each := range t {
			t[i] = whole(each)
		}
	}
	return v
}

func show(v ref.Val) string {
	switch t := v.(type) {
	case types.Null:
		return "null"
	case types.Int, types.Uint, types.Bool, types.String, types.Double:
		text, _ := json.Marshal(t.Value())
		return string(text)
	case traits.Lister:
		var items []string
		for it := t.Iterator(); it.HasNext() == types.True; {
			items = append(items, show(it.Next()))
		}
		return "[" + strings.Join(items, ",") + "]"
	case traits.Mapper:
		var entries []string
		for it := t.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			entries = append(entries, show(key)+":"+show(t.Get(key)))
		}
		sort.Strings(entries)
		return "{" + strings.Join(entries, ",") + "}"
	case types.Duration:
		return t.Duration.String()
	case types.Timestamp:
		return t.Time.Format(time.RFC3339Nano)
	}
	return v.Type().TypeName()
}
