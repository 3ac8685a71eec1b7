package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"
)

// scene is one part of the demo. Its error means that it could not run.
type scene struct {
	title string
	play  func(context.Context, *stage) error
	// needs are what must have happened before the scene; gives is what it makes happen, or "".
	needs []preparation
	gives preparation
}

// preparation is what a scene needs from an earlier one.
type preparation string

const (
	objectStored  preparation = "the object is in the bucket"
	minutesPassed preparation = "the health check and the probes have run for some minutes"
	driftSeen     preparation = "open drift was corrected"
	adopted       preparation = "guard.yaml is deployed in Observe"
	enforced      preparation = "guard.yaml's stack was updated to Enforce"
)

// prepare does what a scene needs, if the scene that does it is not played.
func (s *stage) prepare(ctx context.Context, p preparation) error {
	switch p {
	case objectStored:
		_, err := s.seed(ctx)
		return err
	case minutesPassed:
		return s.cloud.Pass(ctx, healthyMinutes*time.Minute)
	case driftSeen:
		return errors.Join(openTheEndpoint.run(ctx, s.callers), s.cloud.Quiesce(ctx))
	case adopted:
		return s.adopts(ctx)
	case enforced:
		return errors.Join(s.estate.enforce(ctx), s.cloud.Quiesce(ctx))
	}
	return fmt.Errorf("preparing %q: there is no such preparation", p)
}

// numberedScene is a scene with its number in the demo.
type numberedScene struct {
	scene
	number int
}

// allScenes returns the demo.
func allScenes() []numberedScene {
	var all []numberedScene
	for i, scene := range slices.Concat(story[:1], healthStory, story[1:], afterStory, actTwo) {
		all = append(all, numberedScene{scene, i + 1})
	}
	return all
}

// chooseScenes returns the scenes with these numbers, in the order of the demo; all for no numbers.
func chooseScenes(numbers []int) ([]numberedScene, error) {
	all := allScenes()
	for _, n := range numbers {
		if n < 1 || n > len(all) {
			return nil, fmt.Errorf("there is no scene %d. The scenes are:\n%s", n, strings.TrimRight(sceneList(), "\n"))
		}
	}
	if len(numbers) == 0 {
		return all, nil
	}
	chosen := slices.DeleteFunc(all, func(s numberedScene) bool { return !slices.Contains(numbers, s.number) })
	// The minutes pass before each attack: an alarm rings only for some minutes.
	if slices.ContainsFunc(chosen, func(s numberedScene) bool { return slices.Contains(s.needs, minutesPassed) }) &&
		!slices.ContainsFunc(chosen, func(s numberedScene) bool { return s.gives == minutesPassed }) {
		chosen[0].needs = append([]preparation{minutesPassed}, chosen[0].needs...)
	}
	return chosen, nil
}

// sceneList lists all scenes, with a line for each.
func sceneList() string {
	var text strings.Builder
	for _, s := range allScenes() {
		label := fmt.Sprintf("%2d  ", s.number)
		for _, line := range wrap(s.title, columns-len(label)) {
			fmt.Fprintf(&text, "%s%s\n", label, line)
			label = strings.Repeat(" ", len(label))
		}
	}
	return text.String()
}

// playsAll plays scenes. It calls between before each scene but the first.
func (s *stage) playsAll(ctx context.Context, scenes []numberedScene, between func(context.Context, numberedScene) error) error {
	if slices.ContainsFunc(scenes, func(n numberedScene) bool { return n.gives == adopted || slices.Contains(n.needs, adopted) }) {
		if err := s.buildsActTwo(); err != nil { // a build takes longer than a scene may
			return err
		}
	}
	for i, scene := range scenes {
		if i > 0 {
			if err := between(ctx, scene); err != nil {
				return err
			}
		}
		if err := s.plays(ctx, scene); err != nil {
			return fmt.Errorf("%s: %w", scene.title, err)
		}
	}
	s.teller.end(s.kept, len(s.broken), time.Since(s.began))
	return nil
}

// sceneTime limits a scene. Each takes at most a few seconds; the limit is for a scene that hangs in CI.
const sceneTime = time.Minute

// plays prepares and plays a scene.
func (s *stage) plays(ctx context.Context, scene numberedScene) error {
	ctx, cancel := context.WithTimeout(ctx, sceneTime)
	defer cancel()
	for _, p := range scene.needs {
		if s.happened[p] {
			continue
		}
		if err := s.prepare(ctx, p); err != nil {
			return err
		}
		s.happened[p] = true
		s.guard.newRecords() // the scene reports only its own
	}
	s.scene = scene.title
	s.teller.scene(scene.number, scene.title)
	if err := scene.play(ctx, s); err != nil {
		return err
	}
	s.happened[scene.gives] = true
	return nil
}

// waitsForEnter returns a function that asks for Enter and waits for it, or for the end of the context.
func waitsForEnter(in io.Reader, to io.Writer) (func(context.Context, numberedScene) error, error) {
	file, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, errors.New("--pause waits for Enter between the scenes, but standard input is not a terminal")
	}
	keys := bufio.NewReader(file)
	return func(ctx context.Context, next numberedScene) error {
		fmt.Fprintf(to, "\n   Press Enter for scene %d. ", next.number)
		pressed := make(chan error, 1)
		go func() {
			_, err := keys.ReadString('\n')
			pressed <- err
		}()
		select {
		case err := <-pressed:
			if err != nil {
				return fmt.Errorf("waiting for Enter: %w", err)
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}
