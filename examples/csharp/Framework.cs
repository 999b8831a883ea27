using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using Grpc.Core;
using Grpc.Net.Client;
using Wardwatch.V1;

/// <summary>.NET Framework: unary calls only, as its HTTP/2 does no bidirectional streams.</summary>
public static class Framework
{
    public static GrpcChannel Connect(string address)
    {
        return GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpHandler = new WinHttpHandler() });
    }

    public static Metadata Headers(string token)
    {
        return new Metadata { { "authorization", "Bearer " + token } };
    }

    /// <summary>Sends reports until each has a receipt. The ids do not change, so that sending again does no harm.</summary>
    public static async Task<IList<ReportReceipt>> Send(
        ReportingService.ReportingServiceClient client, IEnumerable<StaffingReport> reports, Metadata headers)
    {
        var request = new SubmitReportsRequest();
        request.Reports.AddRange(reports); // at most 1,000, and 1 MiB
        for (var pause = TimeSpan.FromSeconds(1); ; pause += pause)
        {
            try
            {
                var answer = await client.SubmitReportsAsync(request, headers, DateTime.UtcNow.AddSeconds(30));
                return answer.Receipts;
            }
            catch (RpcException error) when (Again(error.StatusCode) && pause < TimeSpan.FromMinutes(1))
            {
                await Task.Delay(pause);
            }
        }
    }

    private static bool Again(StatusCode code)
    {
        return code == StatusCode.Unavailable || code == StatusCode.DeadlineExceeded || code == StatusCode.ResourceExhausted;
    }

    /// <summary>Polls the open alerts, and tells what is new, what changed and what ended.</summary>
    public static async Task Poll(AlertService.AlertServiceClient client, Metadata headers, CancellationToken stop)
    {
        var known = new Dictionary<string, Alert>();
        while (!stop.IsCancellationRequested)
        {
            var open = await ListOpen(client, headers);
            foreach (var alert in open.Values)
            {
                Alert before;
                if (!known.TryGetValue(alert.Name, out before) || before.TransitionCount != alert.TransitionCount)
                {
                    Console.WriteLine(alert.Severity + " " + alert.State + " " + alert.Message);
                }
            }
            foreach (var name in known.Keys.Where(name => !open.ContainsKey(name)).ToList())
            {
                var request = new GetAlertRequest { Name = name };
                var ended = (await client.GetAlertAsync(request, headers, DateTime.UtcNow.AddSeconds(30))).Alert;
                Console.WriteLine(ended.State + " " + ended.Resolution + " " + ended.Message);
            }
            known = open;
            await Task.Delay(TimeSpan.FromSeconds(15), stop);
        }
    }

    private static async Task<Dictionary<string, Alert>> ListOpen(AlertService.AlertServiceClient client, Metadata headers)
    {
        var found = new Dictionary<string, Alert>();
        var request = new ListAlertsRequest { PageSize = 1000 };
        do
        {
            var page = await client.ListAlertsAsync(request, headers, DateTime.UtcNow.AddSeconds(30));
            foreach (var alert in page.Alerts)
            {
                found[alert.Name] = alert;
            }
            request.PageToken = page.NextPageToken;
        } while (request.PageToken != "");
        return found;
    }
}
