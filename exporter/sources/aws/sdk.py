"""What the AWS SDK itself knows, without asking AWS."""


def sdk_regions() -> set[str]:
    """Every region of every partition that the installed SDK has heard of."""
    import botocore.session

    session = botocore.session.get_session()
    return {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition_name=partition)
    }
