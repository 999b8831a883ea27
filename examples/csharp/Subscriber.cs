using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Google.Protobuf;
using Grpc.Core;
using Wardwatch.V1;

/// <summary>.NET 6 or later (or .NET Framework on a Windows whose WinHTTP streams): follows the alert log.</summary>
public sealed class Subscriber
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(45); // three heartbeats
    private readonly string place;
    private ByteString cursor = ByteString.Empty;

    public Subscriber(string place)
    {
        this.place = place;
        if (File.Exists(place))
        {
            cursor = ByteString.CopyFrom(File.ReadAllBytes(place));
        }
    }

    public async Task Follow(AlertService.AlertServiceClient client, Metadata headers)
    {
        for (var pause = TimeSpan.FromSeconds(1); ; pause = pause + pause < TimeSpan.FromSeconds(30) ? pause + pause : pause)
        {
            try
            {
                await Stream(client, headers);
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.OutOfRange)
            {
                cursor = ByteString.Empty; // CURSOR_EXPIRED or CURSOR_EPOCH_CHANGED: start over with a snapshot
            }
            catch (RpcException error) when (
                error.StatusCode == StatusCode.Unavailable || error.StatusCode == StatusCode.Cancelled
                || error.StatusCode == StatusCode.ResourceExhausted)
            {
            }
            await Task.Delay(pause);
        }
    }

    /// <summary>One stream, without a deadline; it is given up when nothing comes for three heartbeats.</summary>
    private async Task Stream(AlertService.AlertServiceClient client, Metadata headers)
    {
        var request = new SubscribeRequest { OnExpired = OnExpired.Snapshot, Subscriber = "example-csharp" };
        if (cursor.IsEmpty)
        {
            request.Snapshot = new Snapshot();
        }
        else
        {
            request.AfterCursor = cursor;
        }
        using (var silent = new CancellationTokenSource(Silence))
        using (var call = client.Subscribe(request, headers, cancellationToken: silent.Token))
        {
            while (await call.ResponseStream.MoveNext(silent.Token))
            {
                silent.CancelAfter(Silence);
                Handle(call.ResponseStream.Current);
            }
        }
    }

    private void Handle(SubscribeResponse message)
    {
        foreach (var @event in message.Events?.Events ?? new Google.Protobuf.Collections.RepeatedField<AlertEvent>())
        {
            Console.WriteLine(@event.Type + " " + @event.Alert.Message);
        }
        if (!message.Cursor.IsEmpty) // empty inside a snapshot: one that breaks off starts again
        {
            cursor = message.Cursor;
            File.WriteAllBytes(place + ".new", cursor.ToByteArray()); // only now that its events are handled
            File.Copy(place + ".new", place, true);
        }
    }
}
