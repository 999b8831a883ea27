import com.google.protobuf.Timestamp;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import uk.nhs.wardwatch.v1.Nursing;
import uk.nhs.wardwatch.v1.Patients;
import uk.nhs.wardwatch.v1.ReceiptOutcome;
import uk.nhs.wardwatch.v1.ReportReceipt;
import uk.nhs.wardwatch.v1.ReportingServiceGrpc;
import uk.nhs.wardwatch.v1.StaffingReport;
import uk.nhs.wardwatch.v1.StreamReportsRequest;
import uk.nhs.wardwatch.v1.StreamReportsResponse;

/** Reports one ward as two systems do: Reporter organisations/RJ1/wards/A7 28 3. */
final class Reporter {
    private static final int WINDOW = 256;

    public static void main(String[] args) throws Exception {
        Deque<StaffingReport> pending = new ArrayDeque<>(reports(args[0], Integer.parseInt(args[1]), Integer.parseInt(args[2])));
        ManagedChannel channel = Connection.open();
        try {
            ReportingServiceGrpc.ReportingServiceStub stub =
                    Connection.withToken(ReportingServiceGrpc.newStub(channel));
            long pause = 1;
            while (!pending.isEmpty()) {
                Status ended = send(stub, pending);
                boolean again = ended.getCode() == Status.Code.UNAVAILABLE && pause <= 16;
                if (!ended.isOk() && !again) {
                    throw ended.asRuntimeException();
                }
                if (!ended.isOk()) {
                    TimeUnit.SECONDS.sleep(pause);
                    pause *= 2;
                }
            }
        } finally {
            channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        }
    }

    static List<StaffingReport> reports(String ward, int bedded, int nurses) {
        Instant now = Instant.now();
        long micros = now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
        Timestamp observed = Timestamp.newBuilder().setSeconds(micros / 1_000_000)
                .setNanos((int) (micros % 1_000_000) * 1_000).build();
        StaffingReport.Builder beds = StaffingReport.newBuilder().setSource("BEDS").setWard(ward)
                .setReportId(ReportIds.reportId("BEDS", ward, micros, 0, List.of("patients")).toString())
                .setObservedTime(observed)
                // A count that nobody counted stays unset: nothing is not zero.
                .setPatients(Patients.newBuilder().setBedded(bedded));
        StaffingReport.Builder roster = StaffingReport.newBuilder().setSource("ROSTER").setWard(ward)
                .setReportId(ReportIds.reportId("ROSTER", ward, micros, 0, List.of("nursing")).toString())
                .setObservedTime(observed)
                .setNursing(Nursing.newBuilder().setRegisteredNurses(nurses));
        return List.of(beds.build(), roster.build());
    }

    /** One stream. Receipts come in the order of the reports; what has none when it ends stays in pending. */
    static Status send(ReportingServiceGrpc.ReportingServiceStub stub, Deque<StaffingReport> pending) throws Exception {
        CompletableFuture<Status> ended = new CompletableFuture<>();
        List<StaffingReport> sent = new ArrayList<>();
        for (StaffingReport report : pending) {
            if (sent.size() < WINDOW) {
                sent.add(report);
            }
        }
        StreamObserver<StreamReportsRequest> requests = stub.streamReports(new StreamObserver<StreamReportsResponse>() {
            @Override public void onNext(StreamReportsResponse answer) {
                for (ReportReceipt receipt : answer.getReceiptsList()) {
                    pending.poll();
                    show(receipt);
                }
            }
            @Override public void onError(Throwable error) {
                ended.complete(Status.fromThrowable(error));
            }
            @Override public void onCompleted() {
                ended.complete(Status.OK);
            }
        });
        requests.onNext(StreamReportsRequest.newBuilder().addAllReports(sent).build());
        requests.onCompleted();
        return ended.get();
    }

    static void show(ReportReceipt receipt) {
        String outcome = receipt.getOutcome().name().replace("RECEIPT_OUTCOME_", "");
        boolean rejected = receipt.getOutcome() == ReceiptOutcome.RECEIPT_OUTCOME_REJECTED;
        System.out.println(receipt.getReportId() + " " + outcome + " "
                + (rejected ? receipt.getError().getMessage() : receipt.getName()));
    }
}
