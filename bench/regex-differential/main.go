// Prints random regular expressions and texts with the result of Go's regexp, one case per line:
//
//	{"pattern": "a+", "subject": "caat", "go": true}
//
// "go" is true, false, or "refused". scripts/regex-differential compares the results with ours.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

const subjectsOfPattern = 6

type testCase struct {
	Pattern string `json:"pattern"`
	Subject string `json:"subject"`
	Go      any    `json:"go"`
}

func main() {
	count := flag.Int("count", 200_000, "number of cases")
	seed := flag.Uint64("seed", 1, "seed of the random numbers")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	g := generator{rand.New(rand.NewPCG(*seed, 0))}
	for written := 0; written < *count; {
		pattern := g.pattern()
		if index := written / subjectsOfPattern; index < len(corners) {
			pattern = corners[index]
		}
		for _, c := range g.cases(pattern) {
			if err := encoder.Encode(c); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			written++
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Realistic patterns, and corner cases of the grammar that random patterns rarely reach.
var corners = []string{
	`^[\w-\.]+@([\w-]+\.)+[\w-]{2,4}$`, `^[\w.+-]+@example\.com$`, `@(foo|bar)\.(com|org)$`, `^v?\d+\.\d+(\.\d+)?(-[\w.]+)?$`,
	`^\+?[\d -]{7,}$`, `^(10|172\.(1[6-9]|2\d|3[01])|192\.168)\.`, `^/api/v[12]/{id}$`, `(?i)^(ios|android)$`, `^[a-z]{2}(-[A-Z]{2})?$`,
	`{`, `}`, `a{`, `a{,3}b`, `a{2`, `x{y`, `a{ 2}`, `a{02}`, `a{2,1}`, `a{0}`, `a{0,0}b`, `a{1000}`, `a{1001}`, `(a{100}){10}`, `(a{100}){11}`,
	`((a{100})*){11}`, `((a{100}){0}){100}`, `(a{500}|b){2}`, `(a{501}|b){2}`, `a{2}{3}`, `a**`, `a*+`, `a*??`, `a*?`, `*`, `(*)`, `a|*`, `^*`, `\b+`, `()*`,
	`a(?i)*`, `a*(?i)*`, `a*\Q\E*`, `(?i)*`, `\Qa.b\E`, `\Qab\E*`, `\Q`, `\Qa`, `\E`, `a\Q\\E`, `[\Qa\E]`,
	`[]`, `[^]`, `[]a]`, `[^]a]`, `[]-a]`, `[a`, `[`, `]`, `[[]`, `[[a]`, `[[a]]`, `[a-]`, `[-a]`, `[a--]`, `[--a]`, `[a-\d]`, `[\d-z]`, `[\d--9]`, `[z-a]`, `[a-b-c]`,
	`[&&]`, `[a&&b]`, `[a~~b]`, `[a--b]`, `[\w--\d]`, `[[:alpha:]-z]`, `[[:word:]]`, `[[:^space:]]`, `[[:foo:]]`, `[[:a]`, `[[:a] [b:]]`, `[[:]]`, `[[::]]`, `[:alpha:]`, `[[:space:]]`,
	`\s`, `^\S$`, `[\s]`, `[^\s]`, `(?i)[^\w]`, `(?i)\W`, `(?i)\w`, `(?i)k`, `(?i)[^k]`, `(?i)[s-t]`, `(?i)ß`, `(?i)σ`, `(?i)\x{212A}`, `(?i)[[:^upper:]]`, `(?i)\P{Lu}`, `(?i)\p{^Lu}`,
	`\pL`, `\pl`, `\p{L}`, `\p{^L}`, `\P{^L}`, `\p{Letter}`, `\p{uppercase letter}`, `\p{Greek}`, `\p{greek}`, `\p{Grek}`, `\p{IsGreek}`, `\p{sc=Greek}`, `\p{Any}`, `\P{Any}`, `\p{ASCII}`, `(?i)\p{ASCII}`, `\p{Assigned}`,
	`\p{LC}`, `\p{Cs}`, `\P{Cs}`, `\p{Cn}`, `\p{Old_Italic}`, `\p{Emoji}`, `\p{}`, `\p{^}`, `\p`, `\pé`, `\p{L`, `[\pL-z]`, `\p{Lu}{2}`, `\p{Zl}`, `\p{Nko}`,
	`\0`, `\07`, `\012`, `\0123`, `\1`, `\12`, `\18`, `\8`, `\400`, `\777`, `[\1]`, `[\12]`, `\x41`, `\x4`, `\xg0`, `\x{}`, `\x{41}`, `\x{0000000041}`, `\x{10FFFF}`, `\x{110000}`, `\x{41`, `a\x{D800}`, `[\x{D7FF}-\x{E000}]`, `[^\x{D800}-\x{DFFF}]`, `[\x{D800}-\x{DBFF}]`,
	`\<a\>`, `[\<\>]`, `\_`, `\-`, `\ `, `\é`, `\`, `[\`, `\a\f\t\n\r\v`, `\e`, `\u0041`, `\U00000041`, `\C`, `\Z`, `\G`, `\K`, `\R`, `\X`, `\h`, `\N`, `\c`, `[\b]`, `[\A]`, `\b{start}`, `\B`, `a\Bb`, `é\b`, `\bé`,
	`(?)`, `(?i)`, `(?ii)a`, `(?i-i)a`, `(?i-s:.)`, `(?-)`, `(?i-)`, `(?-i-i)`, `(?U)a*?`, `(?x)a b`, `(?u)a`, `(?R)a`, `(?s).`, `(?-s).`, `(?m)^a$`, `(?m)$`, `a$`, `(?i:a)b`, `((?i)a|b)c`, `a|(?i)b|c`, `(?i`, `(?`, `(?:`, `(`, `)`, `())`, `(?#x)`, `(?=a)`, `(?!a)`, `(?<=a)`, `(?<!a)`, `(?>a)`, `(?|a)`, `(?P=n)`, `(?P>n)`, `\k<n>`,
	`(?P<n>a)`, `(?<n>a)`, `(?'n'a)`, `(?P<1>a)`, `(?P<é>a)`, `(?P<>a)`, `(?P<n`, `(?<n>a)(?<n>b)`, `(?P<n.m>a)`,
	``, `|`, `a|`, `|a`, `()`, `(|a)*b`, `(a*)*b`, `(a|b|)*c`, `^$`, `^^a`, `a\z`, `\Aa`, `a\A`, `(?m)\Aa\z`,
}

type generator struct{ *rand.Rand }

func (g generator) one(of []string) string { return of[g.IntN(len(of))] }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

// Some of these differ only in case, in ways that ASCII tables miss; others are members of a class
// or are used in an escape.
var characters = strings.Split("a b k s A K S z 0 1 9 _ - . , : ; ! @ # / = < > & ~ ' \" % [ ] { } ( ) ^ $ | * + ? \\ "+
	"é É ß ẞ ſ K Σ σ ς İ ı Ж ж 日 😀 𐐀 𐐨 ٣ ⅷ Ⅷ ǅ µ μ Å å \u00a0 \u2028 \ufffd \u0085", " ")

var blanks = []string{" ", "\n", "\t", "\v", "\r", "\x00", "\x7f"}

func (g generator) character() string {
	if g.chance(15) {
		return g.one(blanks)
	}
	if g.chance(60) {
		return string("abkszABKS019_-. "[g.IntN(16)])
	}
	return g.one(characters)
}

func (g generator) pattern() string {
	pattern := g.alternation(3)
	if g.chance(20) {
		pattern = "^" + pattern
	}
	if g.chance(20) {
		pattern += "$"
	}
	if g.chance(25) {
		pattern = g.mutated(pattern, append(metas, characters...))
	}
	return pattern
}

var metas = []string{"{", "}", "[", "]", "(", ")", "|", "*", "+", "?", "^", "$", "\\", "-", ",", "[:", ":]", "(?", "\\Q", "\\E", "{2}", "&&", "--", "~~"}

// mutated inserts, removes or replaces one character.
func (g generator) mutated(text string, with []string) string {
	runes := []rune(text)
	at := g.IntN(len(runes) + 1)
	end := at
	if at < len(runes) && g.chance(60) {
		end++
	}
	insert := ""
	if g.chance(70) {
		insert = g.one(with)
	}
	return string(runes[:at]) + insert + string(runes[end:])
}

func (g generator) alternation(depth int) string {
	branches := make([]string, 1)
	if g.chance(25) {
		branches = make([]string, 1+g.IntN(3))
	}
	for i := range branches {
		for range g.IntN(5) {
			branches[i] += g.repeated(depth)
		}
	}
	return strings.Join(branches, "|")
}

var repetitions = []string{"*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{0,1}", "{1,}", "{2,3}", "{0,2}?", "{3,}", "{,2}", "{ 1}", "{01}", "{2,1}", "{1000}", "{1001}", "**", "{2}{2}", "(?i)*", "\\Q\\E+"}

func (g generator) repeated(depth int) string {
	atom := g.atom(depth)
	if g.chance(30) {
		if g.chance(80) {
			return atom + repetitions[g.IntN(13)]
		}
		return atom + g.one(repetitions)
	}
	return atom
}

var opens = []string{"(", "(?:", "(?i:", "(?s:", "(?m:", "(?-i:", "(?i-s:", "(?is-m:", "(?P<n>", "(?<n>", "(?U:", "(?i)(", "(?P<1a>", "(?<x-y>", "(?x:", "(?=", "(?-:"}

var flags = []string{"(?i)", "(?-i)", "(?s)", "(?m)", "(?U)", "(?)", "(?im-s)", "(?ii)", "(?i-)", "(?-)"}

var looks = []string{"^", "$", `\b`, `\B`, `\A`, `\z`, `\b`, `\B`, `\Z`}

var escapes = []string{
	`\.`, `\-`, `\[`, `\]`, `\<`, `\>`, `\/`, `\@`, `\_`, `\ `, `\{`, `\}`, `\&`, `\~`, `\#`, `\\`, `\n`, `\t`, `\v`, `\r`, `\f`, `\a`, `\0`, `\07`, `\101`,
	`\12`, `\x41`, `\x{1F600}`, `\x{17F}`, `\x{d7ff}`, `\x{D800}`, `\x{e000}`, `\x{10FFFF}`, `\1`, `\8`, `\x4`, `\x{}`, `\u0041`, `\e`, `\é`, `\q`, `\E`, `\C`,
}

var sets = []string{
	`\d`, `\D`, `\w`, `\W`, `\s`, `\S`, `\pL`, `\PL`, `\pN`, `\p{Lu}`, `\P{Lu}`, `\p{Ll}`, `\p{^Ll}`, `\p{Greek}`, `\P{^Greek}`, `\p{Cyrillic}`, `\p{Latin}`, `\p{Han}`,
	`\p{Any}`, `\p{ASCII}`, `\p{Nd}`, `\p{Nl}`, `\p{Lt}`, `\p{Zs}`, `\p{Punct}`, `\p{other symbol}`, `\p{Mark}`, `\p{Deseret}`, `\p{Common}`, `\p{Cc}`, `\p{Cs}`, `\pC`,
	`\p{Grek}`, `\p{Alphabetic}`, `\p{White_Space}`, `\p{Linear_B}`, `\p{x}`,
}

var named = []string{
	"[:alnum:]", "[:alpha:]", "[:ascii:]", "[:blank:]", "[:cntrl:]", "[:digit:]", "[:graph:]", "[:lower:]", "[:print:]", "[:punct:]", "[:space:]", "[:upper:]",
	"[:word:]", "[:xdigit:]", "[:^alpha:]", "[:^space:]", "[:^upper:]", "[:foo:]", "[:Alpha:]", "[:a]", "[:",
}

func (g generator) atom(depth int) string {
	switch n := g.IntN(100); {
	case n < 35:
		character := g.character()
		if strings.ContainsAny(character, `[](){}^$|*+?\.`) && g.chance(80) {
			return `\` + character
		}
		return character
	case n < 43:
		return "."
	case n < 53:
		return g.good(sets, 32)
	case n < 60:
		return g.good(escapes, 33)
	case n < 65:
		return g.good(looks, 8)
	case n < 83:
		return g.class()
	case n < 86:
		return g.good(flags, 8)
	case n < 88:
		quoted := g.character() + g.character()
		return `\Q` + quoted + g.one([]string{`\E`, `\E`, `\E`, ``})
	case depth == 0:
		return g.character()
	default:
		return g.good(opens, 12) + g.alternation(depth-1) + ")"
	}
}

// good mostly picks from the first items. The others are rejected, and a pattern with one of them
// tests little else.
func (g generator) good(of []string, first int) string {
	if g.chance(97) {
		return of[g.IntN(first)]
	}
	return g.one(of)
}

func (g generator) class() string {
	class := "["
	if g.chance(30) {
		class += "^"
	}
	for range 1 + g.IntN(4) {
		switch n := g.IntN(100); {
		case n < 40:
			class += g.classCharacter()
		case n < 60:
			class += g.classCharacter() + "-" + g.classCharacter()
		case n < 75:
			class += g.good(sets, 32)
		case n < 85:
			class += g.good(named, 17)
		case n < 92:
			class += g.one([]string{"-", "--", "&&", "~~", "a-z", "A-Z", "0-9", `\x{80}-\x{10FFFF}`, `\x{D800}-\x{DFFF}`, "]", "["})
		default:
			class += g.good(escapes, 33)
		}
	}
	return class + "]"
}

func (g generator) classCharacter() string {
	character := g.character()
	if strings.ContainsAny(character, `]\^`) && g.chance(70) {
		return `\` + character
	}
	return character
}

func (g generator) cases(pattern string) []testCase {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return []testCase{{pattern, "", "refused"}}
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		panic(err)
	}
	subjects := []string{"", pattern}
	for range subjectsOfPattern - len(subjects) {
		subject := g.sample(parsed, 0)
		if g.chance(30) {
			subject = g.mutated(subject, characters)
		}
		if g.chance(20) {
			subject = g.character() + subject + g.character()
		}
		subjects = append(subjects, subject)
	}
	cases := make([]testCase, 0, len(subjects))
	for _, subject := range subjects {
		if len(subject) < 4000 && !strings.ContainsFunc(subject, isOfAnotherUnicode) {
			cases = append(cases, testCase{pattern, subject, compiled.MatchString(subject)})
		}
	}
	return cases
}

// sample returns a text that often matches.
func (g generator) sample(re *syntax.Regexp, depth int) string {
	some := func(min, max int) string {
		if max < 0 || max > min+3 {
			max = min + 3
		}
		if max > 0 && g.chance(10) {
			min--
		}
		text := ""
		for range max0(min) + g.IntN(max0(max-max0(min))+1) {
			text += g.sample(re.Sub[0], depth+1)
			if len(text) > 4000 {
				break
			}
		}
		return text
	}
	switch re.Op {
	case syntax.OpLiteral:
		text := ""
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && g.chance(50) {
				r = unicode.SimpleFold(r)
			}
			text += string(r)
		}
		return text
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return ""
		}
		at := g.IntN(len(re.Rune)/2) * 2
		low, high := re.Rune[at], re.Rune[at+1]
		return string(slices.MinFunc([]rune{low + rune(g.IntN(int(high-low)+1)), low + rune(g.IntN(int(high-low)+1))}, func(a, b rune) int { return int(a - b) }))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return g.character()
	case syntax.OpStar:
		return some(0, -1)
	case syntax.OpPlus:
		return some(1, -1)
	case syntax.OpQuest:
		return some(0, 1)
	case syntax.OpRepeat:
		return some(re.Min, re.Max)
	case syntax.OpCapture:
		return g.sample(re.Sub[0], depth+1)
	case syntax.OpConcat:
		text := ""
		for _, sub := range re.Sub {
			text += g.sample(sub, depth+1)
		}
		return text
	case syntax.OpAlternate:
		return g.sample(re.Sub[g.IntN(len(re.Sub))], depth+1)
	case syntax.OpBeginLine, syntax.OpEndLine:
		return g.one([]string{"", "\n"})
	}
	return ""
}

func max0(n int) int { return max(n, 0) }

// isOfAnotherUnicode reports whether the tables of Go (Unicode 15.0) and ours (16.0) differ for a
// rune: previously unassigned ones, and the few with another category or case. Our texts cannot
// contain surrogates.
func isOfAnotherUnicode(r rune) bool {
	if unicode.Is(unicode.Cn, r) || unicode.Is(unicode.Cs, r) {
		return true
	}
	// Go reads a surrogate in a pattern as U+FFFD, but not everywhere.
	if r == unicode.ReplacementChar {
		return true
	}
	return slices.Contains([]rune{0x19B, 0x264, 0x345, 0x390, 0x3B0, 0x1FD3, 0x1FE3, 0xFB05, 0xFB06, 0x1171E}, r)
}
