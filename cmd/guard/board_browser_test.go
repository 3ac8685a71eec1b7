package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// browsers are the names of the programs that the test uses, the first one that is installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell"}

// tab is a tab of a browser that shows a board.
type tab struct {
	*testing.T
	ctx context.Context

	mu   sync.Mutex
	said []string // the messages of its console
}

// openTab opens a board in a browser. It skips the test if none is installed.
func openTab(t *testing.T, address string) *tab {
	t.Helper()
	var path string
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Skipf("no Chromium is installed (%s): the board is not tested in a browser", strings.Join(browsers, ", "))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox) // root has no sandbox
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	in := &tab{T: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // starts the browser, which ends with this context
		t.Fatal(err)
	}
	in.does(chromedp.EmulateViewport(1280, 800))
	in.prefers("light")
	go func() {
		for message, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			in.mu.Lock()
			in.said = append(in.said, fmt.Sprintf("%s %s", message.Type, message.Text))
			in.mu.Unlock()
		}
	}()
	in.does(chromedp.Navigate(address))
	return in
}

// does runs actions in the tab.
func (in *tab) does(actions ...chromedp.Action[chromedp.Void]) {
	in.Helper()
	ctx, cancel := context.WithTimeout(in.ctx, localtest.Limit)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		in.Fatal(err)
	}
}

// prefers sets the colour scheme, and reduced motion, so that no colour is between two others.
func (in *tab) prefers(scheme string) {
	in.Helper()
	_, err := chromedp.Call(in.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		in.Fatal(err)
	}
}

// evaluate returns the value of an expression in the tab. If the value is a promise, it waits for it.
func evaluate[T any](in *tab, expression string) T {
	in.Helper()
	ctx, cancel := context.WithTimeout(in.ctx, localtest.Limit)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		in.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits until an expression is true in the tab. The page itself looks, so that the wait does not delay it.
func (in *tab) until(what, expression string) {
	in.Helper()
	in.Logf("waiting for %s", what)
	evaluate[bool](in, `new Promise(done => { const timer = setInterval(() => { if (`+expression+`) { clearInterval(timer); done(true); } }, 10); })`)
}

// locked is an expression that is true while the page shows that all is locked.
const locked = `document.getElementById("lock").textContent === "Locked"`

// watchCells makes the page note when the number of red cells changes.
const watchCells = `(() => {
	window.flips = [];
	new MutationObserver(() => {
		const red = document.querySelectorAll("td.bad").length, last = flips.at(-1);
		if (!last || last.red !== red) flips.push({at: Date.now(), red});
	}).observe(document.getElementById("matrix"), {subtree: true, attributes: true});
	return true;
})()`

// faint returns the texts whose contrast is less than WCAG's level AA requires for small text.
// https://www.w3.org/TR/WCAG22/#contrast-minimum
const faint = `(() => {
	const parse = c => c.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
	const found = new Set();
	for (const e of document.body.querySelectorAll("*")) {
		const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join("");
		if (!text || !e.checkVisibility() || e.closest(".hidden, script")) continue;
		const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
		if ((a + .05) / (b + .05) < 4.5) found.add(text + ": " + ((a + .05) / (b + .05)).toFixed(2));
	}
	return [...found];
})()`

// others returns the addresses of requests to other hosts. The content security policy also forbids them: the console would
// have a message.
const others = `performance.getEntriesByType("resource").map(r => r.name).filter(name => !name.startsWith(location.origin))`

// focused names the focused element, and says whether a reader sees that it is focused.
const focused = `(() => {
	const e = document.activeElement, style = getComputedStyle(e);
	const name = e.dataset.action || e.getAttribute("aria-label") || e.id || e.value || e.textContent.trim();
	return name + (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2 ? " (not visible)" : "");
})()`

// TestTheBoardInABrowser is one test with many parts because a browser and a stack take seconds to start.
func TestTheBoardInABrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts a browser")
	}
	in := openTab(t, exhibited(t))
	in.until("the page to show that all is locked", locked)
	evaluate[bool](in, watchCells)
	for _, scheme := range []string{"dark", "light"} {
		in.prefers(scheme)
		if got := evaluate[[]string](in, faint); len(got) > 0 {
			t.Errorf("in the %s scheme these texts are hard to read: %q", scheme, got)
		}
	}

	// An attack, with the keyboard.
	in.does(chromedp.Focus(chromedp.CSS(`[data-action=open-endpoint]`)), chromedp.KeyEvent("\r"))
	in.until("a cell to turn red", `document.querySelectorAll("td.bad").length > 0`)
	for _, scheme := range []string{"dark", "light"} {
		in.prefers(scheme)
		if got := evaluate[[]string](in, strings.Replace(faint, `".hidden, script"`, `".hidden, script, [aria-disabled=true]"`, 1)); len(got) > 0 {
			t.Errorf("during an attack, in the %s scheme these texts are hard to read: %q", scheme, got)
		}
	}
	in.until("all to be locked again", locked)
	in.until("the action and its correction to end", `!state.busy.action && Boolean(state.timeline.at(-1).results?.length)`)
	if flips := evaluate[[]struct{ Red int }](in, "flips"); len(flips) != 2 || flips[0].Red == 0 || flips[1].Red != 0 {
		t.Errorf("numbers of red cells = %v, want some and then none", flips)
	}
	red := evaluate[float64](in, "flips[0].at - state.timeline.at(-1).at")
	t.Logf("in the browser a cell is red %.0f ms after the write, and green %.0f ms after the guard's log line; the board saw the latter %.0f ms after the write",
		red, evaluate[float64](in, "flips[1].at - state.timeline.at(-1).at - state.timeline.at(-1).results[0].sinceMs"),
		evaluate[float64](in, "state.matrix.reaction"))
	if red > float64(eventDelay.Milliseconds()) {
		t.Errorf("the cell was red only after %.0f ms", red)
	}
	in.until("the message", `document.getElementById("mail").textContent.includes("corrected")`)
	in.until("a screen reader to get the news", `document.getElementById("live").textContent.startsWith("Locked")`)

	in.checkFocus()

	in.does(chromedp.Reload())
	in.until("the page to be complete after a reload", locked+` && document.querySelectorAll("#timeline .entry").length > 0
		&& document.getElementById("mail").textContent.includes("corrected") && document.querySelectorAll("#values dt").length > 0`)

	in.does(chromedp.EmulateViewport(360, 740))
	if wide := evaluate[int](in, "document.documentElement.scrollWidth"); wide > 360 {
		t.Errorf("in a window of 360 pixels the page has %d, want no more", wide)
	}

	if others := evaluate[[]string](in, others); len(others) > 0 {
		t.Errorf("the page makes requests to %q, want only to the board", others)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.said) > 0 {
		t.Errorf("the console has %q, want no messages", in.said)
	}
}

// checkFocus presses Tab until the focus has been everywhere.
func (in *tab) checkFocus() {
	in.Helper()
	want := []string{"Skip to the attacks", "late"}
	for _, a := range attacks {
		want = append(want, a.name, "Copy the command of: "+a.title)
	}
	want = append(want, "play", "minute", "The other 32", "mail", "Metrics over time")
	evaluate[bool](in, "document.activeElement.blur() || true")
	in.does(chromedp.Focus(chromedp.CSS(".skip")))
	got := []string{evaluate[string](in, focused)}
	for range len(want) - 1 {
		in.does(chromedp.KeyEvent("\t"))
		got = append(got, evaluate[string](in, focused))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		in.Errorf("order of the focus (-want +got)\n%s", diff)
	}
}
