# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX 24.6 shows of its objects: each key with its JSON type, and the keys of `related` and `summary_fields`.

Facts about AWX, written down from its answers. `a|b` is either; job keys are those of a detail.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AwxObject:
    """One kind of object."""

    keys: str
    related: str
    summary_fields: str

    def types(self) -> dict[str, set[str]]:
        """Return each key's JSON types."""
        pairs = (each.split(":") for each in self.keys.split())
        return {name: set(types.split("|")) for name, types in pairs}


OBJECTS = {
    "credential": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string name:string description:string organization:number
            credential_type:number managed:boolean inputs:object kind:string cloud:boolean
            kubernetes:boolean
        """,
        related="""
            access_list activity_stream copy created_by credential_type input_sources modified_by
            named_url object_roles organization owner_teams owner_users
        """,
        summary_fields="""
            created_by credential_type modified_by object_roles organization owners
            user_capabilities
        """,
    ),
    "credential_type": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string name:string description:string kind:string namespace:string
            managed:boolean inputs:object injectors:object
        """,
        related="activity_stream credentials",
        summary_fields="user_capabilities",
    ),
    "host": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string name:string description:string inventory:number enabled:boolean
            instance_id:string variables:string has_active_failures:boolean
            has_inventory_sources:boolean last_job:null last_job_host_summary:null
            ansible_facts_modified:null
        """,
        related="""
            activity_stream ad_hoc_command_events ad_hoc_commands all_groups ansible_facts
            created_by groups inventory inventory_sources job_events job_host_summaries modified_by
            named_url smart_inventories variable_data
        """,
        summary_fields="created_by groups inventory modified_by recent_jobs user_capabilities",
    ),
    "inventory": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string name:string description:string organization:number kind:string
            host_filter:null variables:string has_active_failures:boolean total_hosts:number
            hosts_with_active_failures:number total_groups:number has_inventory_sources:boolean
            total_inventory_sources:number inventory_sources_with_failures:number
            pending_deletion:boolean prevent_instance_group_fallback:boolean
        """,
        related="""
            access_list activity_stream ad_hoc_commands copy created_by groups hosts instance_groups
            inventory_sources job_templates labels modified_by named_url object_roles organization
            root_groups script tree update_inventory_sources variable_data
        """,
        summary_fields="created_by labels modified_by object_roles organization user_capabilities",
    ),
    "job": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string name:string description:string unified_job_template:number
            launch_type:string status:string execution_environment:null failed:boolean started:null
            finished:null|string canceled_on:null|string elapsed:number job_explanation:string
            execution_node:string controller_node:string launched_by:object work_unit_id:null
            job_type:string inventory:number project:number playbook:string scm_branch:string
            forks:number limit:string verbosity:number extra_vars:string job_tags:string
            force_handlers:boolean skip_tags:string start_at_task:string timeout:number
            use_fact_cache:boolean organization:number job_template:number
            passwords_needed_to_start:list allow_simultaneous:boolean artifacts:object
            scm_revision:string instance_group:null diff_mode:boolean job_slice_number:number
            job_slice_count:number webhook_service:string webhook_credential:null|number
            webhook_guid:string job_args:string job_cwd:string job_env:object
            result_traceback:string event_processing_finished:boolean host_status_counts:null
            playbook_counts:object custom_virtualenv:null
        """,
        related="""
            activity_stream cancel create_schedule created_by credentials inventory job_events
            job_host_summaries job_template labels modified_by notifications organization project
            relaunch stdout unified_job_template
        """,
        summary_fields="""
            created_by credentials inventory job_template labels modified_by organization project
            unified_job_template user_capabilities webhook_credential
        """,
    ),
    "job_template": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string name:string description:string job_type:string inventory:number
            project:number playbook:string scm_branch:string forks:number limit:string
            verbosity:number extra_vars:string job_tags:string force_handlers:boolean
            skip_tags:string start_at_task:string timeout:number use_fact_cache:boolean
            organization:number last_job_run:null last_job_failed:boolean next_job_run:null
            status:string execution_environment:null host_config_key:string
            ask_scm_branch_on_launch:boolean ask_diff_mode_on_launch:boolean
            ask_variables_on_launch:boolean ask_limit_on_launch:boolean ask_tags_on_launch:boolean
            ask_skip_tags_on_launch:boolean ask_job_type_on_launch:boolean
            ask_verbosity_on_launch:boolean ask_inventory_on_launch:boolean
            ask_credential_on_launch:boolean ask_execution_environment_on_launch:boolean
            ask_labels_on_launch:boolean ask_forks_on_launch:boolean
            ask_job_slice_count_on_launch:boolean ask_timeout_on_launch:boolean
            ask_instance_groups_on_launch:boolean survey_enabled:boolean become_enabled:boolean
            diff_mode:boolean allow_simultaneous:boolean custom_virtualenv:null
            job_slice_count:number webhook_service:string webhook_credential:null|number
            prevent_instance_group_fallback:boolean
        """,
        related="""
            access_list activity_stream copy created_by credentials instance_groups inventory jobs
            labels launch modified_by named_url notification_templates_error
            notification_templates_started notification_templates_success object_roles organization
            project schedules slice_workflow_jobs survey_spec webhook_credential webhook_key
            webhook_receiver
        """,
        summary_fields="""
            created_by credentials inventory labels modified_by object_roles organization project
            recent_jobs resolved_environment user_capabilities webhook_credential
        """,
    ),
    "o_auth2_access_token": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string description:string user:number token:string refresh_token:null
            application:null expires:string scope:string
        """,
        related="activity_stream user",
        summary_fields="user",
    ),
    "organization": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string name:string description:string max_hosts:number custom_virtualenv:null
            default_environment:null
        """,
        related="""
            access_list activity_stream admins applications created_by credentials
            execution_environments galaxy_credentials instance_groups inventories job_templates
            modified_by named_url notification_templates notification_templates_approvals
            notification_templates_error notification_templates_started
            notification_templates_success object_roles projects teams users workflow_job_templates
        """,
        summary_fields="created_by modified_by object_roles related_field_counts resource user_capabilities",
    ),
    "project": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string name:string description:string local_path:string scm_type:string
            scm_url:string scm_branch:string scm_refspec:string scm_clean:boolean
            scm_track_submodules:boolean scm_delete_on_update:boolean credential:null timeout:number
            scm_revision:string last_job_run:string last_job_failed:boolean next_job_run:null
            status:string organization:number scm_update_on_launch:boolean
            scm_update_cache_timeout:number allow_override:boolean custom_virtualenv:null
            default_environment:null signature_validation_credential:null last_update_failed:boolean
            last_updated:string
        """,
        related="""
            access_list activity_stream copy created_by inventory_files modified_by named_url
            notification_templates_error notification_templates_started
            notification_templates_success object_roles organization playbooks project_updates
            schedules scm_inventory_sources teams update
        """,
        summary_fields="created_by modified_by object_roles organization resolved_environment user_capabilities",
    ),
    "user": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object created:string
            modified:string username:string first_name:string last_name:string email:string
            is_superuser:boolean is_system_auditor:boolean password:string last_login:string
        """,
        related="""
            access_list activity_stream admin_of_organizations authorized_tokens credentials
            organizations personal_tokens projects roles teams tokens
        """,
        summary_fields="resource user_capabilities",
    ),
    "workflow_job": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object
            created:string modified:string name:string description:string
            unified_job_template:number launch_type:string status:string failed:boolean
            started:string|null finished:string|null canceled_on:string|null
            elapsed:number job_args:string job_cwd:string job_env:object
            job_explanation:string result_traceback:string launched_by:object
            work_unit_id:null workflow_job_template:number extra_vars:string
            allow_simultaneous:boolean job_template:null is_sliced_job:boolean
            inventory:number|null limit:string|null scm_branch:string|null
            webhook_service:string webhook_credential:number|null webhook_guid:string
            skip_tags:string|null job_tags:string|null
        """,
        related="""
            activity_stream cancel created_by labels modified_by notifications relaunch
            unified_job_template workflow_job_template workflow_nodes
        """,
        summary_fields="""
            created_by labels modified_by organization unified_job_template
            user_capabilities workflow_job_template
        """,
    ),
    "workflow_job_template": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object
            created:string modified:string name:string description:string
            last_job_run:string|null last_job_failed:boolean next_job_run:null
            status:string extra_vars:string organization:number survey_enabled:boolean
            allow_simultaneous:boolean ask_variables_on_launch:boolean
            inventory:number|null limit:string|null scm_branch:string|null
            ask_inventory_on_launch:boolean ask_scm_branch_on_launch:boolean
            ask_limit_on_launch:boolean webhook_service:string webhook_credential:number
            ask_labels_on_launch:boolean ask_skip_tags_on_launch:boolean
            ask_tags_on_launch:boolean skip_tags:string|null job_tags:string|null
        """,
        related="""
            access_list activity_stream copy created_by labels launch modified_by
            named_url notification_templates_approvals notification_templates_error
            notification_templates_started notification_templates_success object_roles
            organization schedules survey_spec webhook_credential webhook_key
            webhook_receiver workflow_jobs workflow_nodes
        """,
        summary_fields="""
            created_by labels modified_by object_roles organization recent_jobs
            user_capabilities webhook_credential
        """,
    ),
    "workflow_job_template_node": AwxObject(
        keys="""
            id:number type:string url:string related:object summary_fields:object
            created:string modified:string extra_data:object inventory:number|null
            scm_branch:string|null job_type:string|null job_tags:string|null
            skip_tags:string|null limit:string|null diff_mode:boolean|null
            verbosity:number|null execution_environment:null forks:number|null
            job_slice_count:number|null timeout:number|null workflow_job_template:number
            unified_job_template:number success_nodes:list failure_nodes:list
            always_nodes:list all_parents_must_converge:boolean identifier:string
        """,
        related="""
            always_nodes create_approval_template credentials failure_nodes
            instance_groups labels named_url success_nodes unified_job_template
            workflow_job_template
        """,
        summary_fields="""
            unified_job_template workflow_job_template
        """,
    ),
}
