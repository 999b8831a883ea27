// Follows the alert log and goes on after any break: subscriber alerts.cursor.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	example "wardwatch.invalid/example"
	wardwatch "wardwatch.invalid/gen/wardwatch/v1"
)

// Three heartbeats of 15 s: after that the stream is dead, whatever the connection says.
const silence = 45 * time.Second

func main() {
	place := os.Args[1]
	cursor, _ := os.ReadFile(place)
	connection, err := example.Dial()
	if err != nil {
		log.Fatal(err)
	}
	client := wardwatch.NewAlertServiceClient(connection)
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		var heard bool
		cursor, heard, err = follow(client, cursor, place)
		if heard {
			pause = time.Second
		}
		switch status.Code(err) {
		case codes.OutOfRange: // CURSOR_EXPIRED or CURSOR_EPOCH_CHANGED: start over with a snapshot
			cursor = nil
		case codes.Unavailable, codes.Canceled, codes.ResourceExhausted, codes.Unknown:
		default:
			log.Fatal(err)
		}
		log.Printf("%v: again in %v", err, pause)
		time.Sleep(pause)
	}
}

// One stream, without a deadline; but it is given up when nothing comes for three heartbeats.
func follow(client wardwatch.AlertServiceClient, cursor []byte, place string) ([]byte, bool, error) {
	ctx, cancel := context.WithCancel(example.WithToken(context.Background()))
	defer cancel()
	request := &wardwatch.SubscribeRequest{OnExpired: wardwatch.OnExpired_ON_EXPIRED_SNAPSHOT, Subscriber: "example-go"}
	if len(cursor) > 0 {
		request.Start = &wardwatch.SubscribeRequest_AfterCursor{AfterCursor: cursor}
	} else {
		request.Start = &wardwatch.SubscribeRequest_Snapshot{Snapshot: &wardwatch.Snapshot{}}
	}
	stream, err := client.Subscribe(ctx, request)
	if err != nil {
		return cursor, false, err
	}
	dead := time.AfterFunc(silence, cancel)
	heard := false
	for {
		message, err := stream.Recv()
		if err != nil {
			return cursor, heard, err
		}
		heard = true
		dead.Reset(silence)
		for _, alert := range message.GetSnapshotAlerts().GetAlerts() {
			fmt.Println("OPEN", alert.Message)
		}
		for _, event := range message.GetEvents().GetEvents() {
			fmt.Println(strings.TrimPrefix(event.Type.String(), "ALERT_EVENT_TYPE_"), event.Alert.Message)
		}
		if len(message.Cursor) > 0 { // empty inside a snapshot: one that breaks off starts again
			cursor = message.Cursor
			// Only now that its events are handled, and whole or not at all.
			if err := os.WriteFile(place+".new", cursor, 0o600); err != nil {
				return cursor, heard, err
			}
			if err := os.Rename(place+".new", place); err != nil {
				return cursor, heard, err
			}
		}
	}
}

func min(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}
