// Reports one ward as two systems do: reporter organisations/RJ1/wards/A7 28 3.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/golang/protobuf/ptypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	example "wardwatch.invalid/example"
	wardwatch "wardwatch.invalid/gen/wardwatch/v1"
)

func main() {
	bedded, _ := strconv.Atoi(os.Args[2])
	nurses, _ := strconv.Atoi(os.Args[3])
	pending := reports(os.Args[1], int32(bedded), int32(nurses))
	connection, err := example.Dial()
	if err != nil {
		log.Fatal(err)
	}
	client := wardwatch.NewReportingServiceClient(connection)
	for pause := time.Second; len(pending) > 0; pause *= 2 {
		pending, err = send(client, pending)
		if status.Code(err) != codes.Unavailable && err != nil || pause > 16*time.Second {
			log.Fatal(err)
		}
		if err != nil {
			time.Sleep(pause)
		}
	}
}

func reports(ward string, bedded, nurses int32) []*wardwatch.StaffingReport {
	now := time.Now().Truncate(time.Microsecond)
	observed, _ := ptypes.TimestampProto(now)
	micros := now.UnixNano() / 1000
	return []*wardwatch.StaffingReport{{
		ReportId: example.ReportID("BEDS", ward, micros, 0, "patients"), Ward: ward, Source: "BEDS", ObservedTime: observed,
		// Counts are pointers: one that nobody counted stays nil. Nothing is not zero.
		Patients: &wardwatch.Patients{Bedded: &bedded},
	}, {
		ReportId: example.ReportID("ROSTER", ward, micros, 0, "nursing"), Ward: ward, Source: "ROSTER", ObservedTime: observed,
		Nursing: &wardwatch.Nursing{RegisteredNurses: &nurses},
	}}
}

// One stream. Receipts come in the order of the reports; what has none when it ends is returned, to be sent again.
func send(client wardwatch.ReportingServiceClient, pending []*wardwatch.StaffingReport) ([]*wardwatch.StaffingReport, error) {
	ctx, cancel := context.WithCancel(example.WithToken(context.Background()))
	defer cancel()
	stream, err := client.StreamReports(ctx)
	if err != nil {
		return pending, err
	}
	// An error of Send says only that the stream has ended; Recv says why.
	_ = stream.Send(&wardwatch.StreamReportsRequest{Reports: pending})
	_ = stream.CloseSend()
	for {
		answer, err := stream.Recv()
		if err == io.EOF {
			return pending, nil
		}
		if err != nil {
			return pending, err
		}
		for _, receipt := range answer.Receipts {
			pending = pending[1:]
			what := receipt.Name
			if receipt.Outcome == wardwatch.ReceiptOutcome_RECEIPT_OUTCOME_REJECTED {
				what = receipt.Error.Message
			}
			fmt.Println(receipt.ReportId, strings.TrimPrefix(receipt.Outcome.String(), "RECEIPT_OUTCOME_"), what)
		}
	}
}
