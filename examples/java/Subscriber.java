import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import uk.nhs.wardwatch.v1.Alert;
import uk.nhs.wardwatch.v1.AlertEvent;
import uk.nhs.wardwatch.v1.AlertServiceGrpc;
import uk.nhs.wardwatch.v1.OnExpired;
import uk.nhs.wardwatch.v1.Snapshot;
import uk.nhs.wardwatch.v1.SubscribeRequest;
import uk.nhs.wardwatch.v1.SubscribeResponse;

/** Follows the alert log and goes on after any break: Subscriber alerts.cursor. */
final class Subscriber {
    /** Three heartbeats of 15 s: after that the stream is dead, whatever the connection says. */
    private static final long SILENCE = 45;

    private final Path place;
    private ByteString cursor = ByteString.EMPTY;
    private long pause = 1;

    Subscriber(Path place) throws Exception {
        this.place = place;
        if (Files.exists(place)) {
            cursor = ByteString.copyFrom(Files.readAllBytes(place));
        }
    }

    public static void main(String[] args) throws Exception {
        ManagedChannel channel = Connection.open();
        Subscriber subscriber = new Subscriber(Path.of(args[0]));
        AlertServiceGrpc.AlertServiceStub stub = Connection.withToken(AlertServiceGrpc.newStub(channel));
        while (true) {
            Status ended = subscriber.follow(stub);
            switch (ended.getCode()) {
                case OUT_OF_RANGE: // CURSOR_EXPIRED or CURSOR_EPOCH_CHANGED: start over with a snapshot
                    subscriber.cursor = ByteString.EMPTY;
                    break;
                case OK:
                case UNAVAILABLE:
                case CANCELLED:
                case RESOURCE_EXHAUSTED:
                    break;
                default:
                    throw ended.asRuntimeException();
            }
            System.err.println(ended.getDescription() + ": again in " + subscriber.pause + " s");
            TimeUnit.SECONDS.sleep(subscriber.pause);
            subscriber.pause = Math.min(subscriber.pause * 2, 30);
        }
    }

    /** One stream, without a deadline; one message is asked for at a time, so that a slow reader buffers nothing. */
    Status follow(AlertServiceGrpc.AlertServiceStub stub) throws Exception {
        BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
        Following following = new Following(arrived);
        SubscribeRequest.Builder request = SubscribeRequest.newBuilder()
                .setOnExpired(OnExpired.ON_EXPIRED_SNAPSHOT).setSubscriber("example-java");
        if (cursor.isEmpty()) {
            request.setSnapshot(Snapshot.getDefaultInstance());
        } else {
            request.setAfterCursor(cursor);
        }
        stub.subscribe(request.build(), following);
        while (true) {
            Object next = arrived.poll(SILENCE, TimeUnit.SECONDS);
            if (next == null) {
                following.call.cancel("nothing for three heartbeats", null);
                return Status.UNAVAILABLE.withDescription("nothing for " + SILENCE + " s");
            }
            if (next instanceof Status) {
                return (Status) next;
            }
            handle((SubscribeResponse) next);
            following.call.request(1);
        }
    }

    void handle(SubscribeResponse message) throws Exception {
        for (Alert alert : message.getSnapshotAlerts().getAlertsList()) {
            System.out.println("OPEN " + alert.getMessage());
        }
        for (AlertEvent event : message.getEvents().getEventsList()) {
            System.out.println(event.getType().name().replace("ALERT_EVENT_TYPE_", "") + " " + event.getAlert().getMessage());
        }
        pause = Math.max(1, message.getGoodbye().getRetryAfter().getSeconds());
        if (!message.getCursor().isEmpty()) { // empty inside a snapshot: one that breaks off starts again
            cursor = message.getCursor();
            // Only now that its events are handled, and whole or not at all.
            Path next = place.resolveSibling(place.getFileName() + ".new");
            Files.write(next, cursor.toByteArray());
            Files.move(next, place, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static final class Following implements ClientResponseObserver<SubscribeRequest, SubscribeResponse> {
        private final BlockingQueue<Object> arrived;
        private ClientCallStreamObserver<SubscribeRequest> call;

        Following(BlockingQueue<Object> arrived) {
            this.arrived = arrived;
        }

        @Override public void beforeStart(ClientCallStreamObserver<SubscribeRequest> call) {
            this.call = call;
            call.disableAutoRequestWithInitial(1);
        }
        @Override public void onNext(SubscribeResponse message) {
            arrived.add(message);
        }
        @Override public void onError(Throwable error) {
            arrived.add(Status.fromThrowable(error));
        }
        @Override public void onCompleted() {
            arrived.add(Status.OK.withDescription("the stream ended"));
        }
    }
}
